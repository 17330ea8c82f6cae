import { parentPort, workerData } from 'node:worker_threads'
import { clock } from './clock.ts'
import { Engine } from './engine.ts'
import { BundleError } from './model/bundle-error.ts'
import { OnnxModel } from './model/onnx-model.ts'
import { PixelRequests } from './pixel-requests.ts'
import { Pulse } from './pulse.ts'
import type { FromModelThread, ModelThreadData, ToModelThread } from './thread-message.ts'
import { sleepUntilWoken } from './lanes/sleep.ts'

const data = workerData as ModelThreadData
const port = parentPort
if (!port) throw new Error('model-thread.ts runs as a worker thread; main.ts starts it.')
const send = (message: FromModelThread): void => port.postMessage(message)
const pulse = new Pulse(data.pulse)

try {
  const start = clock()
  const model = await OnnxModel.load(data.bundle, {
    providers: data.providers,
    threads: data.threads,
    slots: data.slots,
    prefillChunk: data.prefillChunk,
    memory: data.memory,
    kept: data.kept,
    batch: data.engine.batch.frames,
    warm: true,
    onRun: (_graph, running) => pulse.mark(running),
  })
  pulse.warm()
  serve(model)
  send({ type: 'ready', model: model.info, providers: model.providers, image: model.image, kvBytes: model.kvBytes, loadMs: clock() - start })
} catch (error) {
  send({ type: 'failed', message: error instanceof BundleError || error instanceof Error ? error.message : String(error) })
}

function serve(model: OnnxModel): void {
  let pixels: Uint8Array = new Uint8Array(0)
  const size = model.image.height * model.image.width * 3
  const pixelsOf = (slot: number): Uint8Array => pixels.subarray(slot * size, (slot + 1) * size)
  const requests = new PixelRequests({ send, pixelsOf })
  const engine = new Engine({
    model,
    limits: data.engine,
    send,
    pixelsOf,
    fetchPixels: requests.fetch,
    clock,
    sleep: sleepUntilWoken,
    onError: (lane, error) => send({ type: 'trouble', message: `${lane}: ${error instanceof Error ? error.message : String(error)}` }),
  })
  port?.on('message', (message: ToModelThread) => {
    if (message.type === 'pixels') pixels = new Uint8Array(message.pixels)
    else if (message.type === 'picture') requests.answer(message)
    else engine.handle(message)
  })
}
