import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { compile } from '../../../services/inference/src/asks/speak.ts'
import { OnnxModel } from '../../../services/inference/src/model/onnx-model.ts'
import { stack } from '../../../services/inference/src/model/tensor.ts'
import { PictureDecoder } from '../../../services/inference/src/pictures/picture-decoder.ts'
import { takeOrders } from '../orders.ts'
import { median } from '../percentile.ts'

/**
 * What the same work costs with nothing around it: one thread, no sockets, no queues, no other threads. It is told what to look at once,
 * then works in short rounds, so that a bench can set each beside a round of its own.
 */
export type BareOrder = { prepare: { jpeg: string; width: number; height: number; text: string } } | { frames: number } | { talk: string; long: string }
/** the decoders found in this run, CPU ms a picture, and the fastest of them */
export type Prepared = { decoder: string; found: Record<string, number> }
/** `cpuMs`: of the whole process, a frame; the others are of the clock, medians */
export type FramesReport = { cpuMs: number; frameMs: number; decodeMs: number; encodeMs: number; headMs: number }
/** of the clock: one prompt, the steps after it (the one in the middle), the region head once */
export type TalkReport = { prefillMs: number; stepMs: number; tokenMs: number; headMs: number }

const model = await OnnxModel.load(fileURLToPath(new URL('../../../packages/model-nano', import.meta.url)), { slots: 1 })
await model.warmUp()
const turbo = await PictureDecoder.open()
let work: Awaited<ReturnType<typeof prepare>> | undefined

takeOrders<BareOrder>(async (order) => {
  if ('prepare' in order) {
    work = await prepare(order.prepare)
    return { decoder: work.decoder, found: work.found } satisfies Prepared
  }
  if (!work) throw new Error('It was not told what to look at.')
  return 'frames' in order ? frames(work, order.frames) : talk(work, order)
})

async function prepare({ jpeg, width, height, text }: Extract<BareOrder, { prepare: unknown }>['prepare']) {
  const bytes = new Uint8Array(Buffer.from(jpeg, 'base64'))
  const size = [model.image.height, model.image.width] as const
  const pixels = new Uint8Array(size[0] * size[1] * 3)
  const decoders = {
    [turbo.name]: async () => void (await turbo.decode({ codec: 'jpeg', width, height, maxPixels: width * height, bytes }, pixels, size)),
    'sharp with its own resize': async () => void (await sharp(bytes).resize(size[1], size[0], { fit: 'fill', kernel: 'linear' }).raw().toBuffer()),
  }
  const times: [name: string, ms: number][] = []
  for (const [name, decode] of Object.entries(decoders)) times.push([name, await cpuOf(40, decode)])
  const [decoder] = times.reduce((best, each) => (each[1] < best[1] ? each : best))
  const decode = decoders[decoder]
  await turbo.decode({ codec: 'jpeg', width, height, maxPixels: width * height, bytes }, pixels, size)
  const [scene] = await model.encode([pixels])
  const head = model.heads.list.find((each) => each.task === 'region')
  if (!scene || !head || !decode) throw new Error('The bundle has a region head.')
  const window = model.window(
    Array.from({ length: model.sampling.frames }, () => scene),
    Array.from({ length: model.sampling.frames }, (_, index) => index * model.sampling.everyMs),
  )
  const states = stack([(await compile(model.language, window, text, 'region')).state])
  return {
    decoder,
    found: Object.fromEntries(times),
    decode,
    encode: async () => void (await model.encode([pixels])),
    head: async () => void (await head.run({ scene, size: { width, height } }, states)),
    window,
  }
}

async function frames({ decode, encode, head }: NonNullable<typeof work>, count: number): Promise<FramesReport> {
  const parts = { decode: [] as number[], encode: [] as number[], head: [] as number[], frame: [] as number[] }
  const cpuMs = await cpuOf(count, async () => {
    const [decodeMs, encodeMs, headMs] = [await clockOf(decode), await clockOf(encode), await clockOf(head)]
    parts.decode.push(decodeMs)
    parts.encode.push(encodeMs)
    parts.head.push(headMs)
    parts.frame.push(decodeMs + encodeMs + headMs)
  })
  return { cpuMs, frameMs: median(parts.frame), decodeMs: median(parts.decode), encodeMs: median(parts.encode), headMs: median(parts.head) }
}

const FIRST_STEPS = 20
const LONGEST = 40

async function talk({ window, head }: NonNullable<typeof work>, { talk: text, long }: { talk: string; long: string }): Promise<TalkReport> {
  const { language } = model
  const slot = language.acquire() ?? 0
  const prefillMs = await clockOf(() => language.prefill(slot, window, text))
  const each: number[] = []
  for (let step = 0; step < FIRST_STEPS; step++) each.push(await clockOf(() => language.feed([{ slot, ids: [language.phrase] }])))
  language.release(slot)
  return { prefillMs, stepMs: median(each), tokenMs: await tokenMs(window, long), headMs: await clockOf(head) }
}

/** A token of the very answer: words that look into the pictures cost more than others. */
async function tokenMs(window: NonNullable<typeof work>['window'], text: string): Promise<number> {
  const { language } = model
  const slot = language.acquire() ?? 0
  let { next } = await language.prefill(slot, window, text)
  const start = performance.now()
  let count = 0
  for (; next !== language.eos && count < LONGEST; count++) next = (await language.feed([{ slot, ids: [next] }]))[0]?.next ?? language.eos
  const spent = performance.now() - start
  language.release(slot)
  return spent / Math.max(1, count)
}

async function clockOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

/** Milliseconds of this process's CPU that one call takes, on average. */
async function cpuOf(times: number, run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  for (let index = 0; index < times; index++) await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / times
}
