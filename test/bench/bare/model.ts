import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { compile } from '../../../services/inference/src/asks/speak.ts'
import { OnnxModel } from '../../../services/inference/src/model/onnx-model.ts'
import { stack } from '../../../services/inference/src/model/tensor.ts'
import { PictureDecoder } from '../../../services/inference/src/pictures/picture-decoder.ts'
import { takeOrders } from '../orders.ts'

/** What the same work costs with nothing around it: one thread, no sockets, no queues, no other threads. */
export type BareOrder = { frames: number; jpeg: string; width: number; height: number; text: string }
export type BareReport = {
  /** CPU ms a frame: decode to the graph's size, encode, one region query */
  decode: number
  decoder: string
  encode: number
  head: number
  /** wall ms */
  frameMs: number
  prefillMs: number
  stepMs: number
  headMs: number
}

const model = await OnnxModel.load(fileURLToPath(new URL('../../../packages/model-nano', import.meta.url)), { slots: 1 })
await model.warmUp()

takeOrders<BareOrder>(async ({ frames, jpeg, width, height, text }) => {
  const bytes = new Uint8Array(Buffer.from(jpeg, 'base64'))
  const size = [model.image.height, model.image.width] as const
  const pixels = new Uint8Array(size[0] * size[1] * 3)
  // The fastest found in this run: the optional package, or the hard dependency, which resizes as it decodes.
  const own = await PictureDecoder.open()
  const decoders = {
    [own.name]: () => own.decode({ codec: 'jpeg', width, height, maxPixels: width * height, bytes }, pixels, size),
    'sharp with its own resize': async () => void (await sharp(bytes).resize(size[1], size[0], { fit: 'fill', kernel: 'linear' }).raw().toBuffer()),
  }
  const times: [name: string, ms: number][] = []
  for (const [name, decode] of Object.entries(decoders)) times.push([name, (await cost(frames, decode)).cpu])
  const [decoder, decode] = times.reduce((best, each) => (each[1] < best[1] ? each : best))

  const [scene] = await model.encode([pixels])
  const head = model.heads.list.find((each) => each.task === 'region')
  if (!scene || !head) throw new Error('The bundle has a region head.')
  const window = model.window(
    Array.from({ length: model.sampling.frames }, () => scene),
    Array.from({ length: model.sampling.frames }, (_, index) => index * model.sampling.everyMs),
  )
  const states = stack([(await compile(model.language, window, text, 'region')).state])
  const encode = await cost(frames, () => model.encode([pixels]))
  const look = await cost(frames, () => head.run({ scene, size: { width, height } }, states))
  const slot = model.language.acquire() ?? 0
  const prefill = await cost(5, () => model.language.prefill(slot, window, text))
  const length = model.language.length(slot)
  const step = await cost(20, async () => {
    model.language.rewind(slot, length)
    await model.language.feed([{ slot, ids: [model.language.phrase] }])
  })
  model.language.release(slot)
  return {
    decode,
    decoder,
    encode: encode.cpu,
    head: look.cpu,
    frameMs: encode.wall + look.wall + decode,
    prefillMs: prefill.wall,
    stepMs: step.wall,
    headMs: look.wall,
  } satisfies BareReport
})

/** Milliseconds of CPU and of the clock that one call takes, on average after a warm-up. */
async function cost(times: number, work: () => unknown): Promise<{ cpu: number; wall: number }> {
  await work()
  const start = performance.now()
  const before = process.cpuUsage()
  for (let index = 0; index < times; index++) await work()
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / 1000 / times, wall: (performance.now() - start) / times }
}
