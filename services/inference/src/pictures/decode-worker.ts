import { parentPort, workerData } from 'node:worker_threads'
import { PictureDecoder, PictureProblem, type PictureRequest } from './picture-decoder.ts'

export type DecodeRequest = PictureRequest & { id: number; slot: number }
export type DecodeReply = { type: 'open'; decoder: string } | { type: 'done'; id: number; ms: number } | { type: 'problem'; id: number; message: string }
export type DecodeWorkerData = { pixels: SharedArrayBuffer; size: readonly [height: number, width: number] }

const { pixels, size } = workerData as DecodeWorkerData
const bytes = size[0] * size[1] * 3
const decoder = await PictureDecoder.open()
const reply = (message: DecodeReply): void => parentPort?.postMessage(message)

// Pictures of one thread are decoded one after the other, in the order they came.
let last = Promise.resolve()
parentPort?.on('message', ({ id, slot, ...request }: DecodeRequest) => {
  last = last.then(() => decode(id, slot, request))
})
reply({ type: 'open', decoder: decoder.name })

async function decode(id: number, slot: number, request: PictureRequest): Promise<void> {
  const start = performance.now()
  try {
    await decoder.decode(request, new Uint8Array(pixels, slot * bytes, bytes), size)
    reply({ type: 'done', id, ms: performance.now() - start })
  } catch (error) {
    reply({ type: 'problem', id, message: error instanceof PictureProblem ? error.message : 'The picture could not be decoded.' })
  }
}
