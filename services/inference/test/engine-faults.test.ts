import { FromBackend } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { EngineBench } from './engine-bench.ts'
import { ScriptedModel } from './scripted-model.ts'
import { squares, squareTracker } from './square-tracker.ts'

const RED = [255, 128, 128] as const
const LEFT: [number, number, number, number] = [0.1, 0.1, 0.4, 0.4]
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))
const ends = (bench: EngineBench, type: FromBackend['type']) => bench.said().filter((message) => message.type === type)

/** A model that can follow: `scenes` gives what is to be seen, one after the other. */
class Following extends ScriptedModel {
  override readonly heads = { list: new ScriptedModel().heads.list, tracker: squareTracker() }
  #seen = 0
  readonly #scenes: (index: number) => ReturnType<typeof squares>

  constructor(scenes: (index: number) => ReturnType<typeof squares> = () => squares({ colour: 3, x: 1, y: 1 })) {
    super()
    this.#scenes = scenes
  }

  override async encode(pictures: readonly Uint8Array[]) {
    return pictures.map(() => this.#scenes(this.#seen++))
  }
}

/** A bench with one seen frame, on which each run of the decoder takes 10 ms. */
async function slowBench(model: ScriptedModel): Promise<EngineBench> {
  const bench = new EngineBench({ model })
  const feed = model.language.feed.bind(model.language)
  model.language.feed = async (rows) => {
    bench.now += 10
    return feed(rows)
  }
  bench.open()
  bench.frame(1, RED)
  await bench.verdict(1)
  return bench
}

test('[AS2] an ask looks at the frame it was asked about, however many come while it speaks', async () => {
  const model = new ScriptedModel({ script: () => `${'word '.repeat(100)}<p> the ball <region>`, maxNewTokens: 1000 })
  const bench = new EngineBench({ model, limits: { featureFrames: 2, ringBytes: 40_000 } })
  bench.open('s', { streams: [{ stream: 1, policy: 'latest' }] })
  let frame = 0
  const shoot = (): void => bench.frame(++frame, RED, { mediaTime: frame * 40 })
  const feed = model.language.feed.bind(model.language)
  model.language.feed = async (rows) => {
    shoot()
    await soon()
    return feed(rows)
  }
  for (let shot = 0; shot < 7; shot++) shoot()
  await bench.verdict(7)
  const told = await bench.ask('a', 'where?')
  expect(bench.sent.some((message) => message.type === 'verdict' && message.gone.includes(7))).toBe(true)
  expect(told.at(-1)).toMatchObject({ finish: 'stop' })
  expect(told.find((message) => message.type === 'head-result')).toMatchObject({ evidence: { frame: 7 } })
})

test('[TR2] a track on a stream that has no seen frame yet ends with a message the edge can read', async () => {
  const bench = new EngineBench({ model: new Following() })
  bench.open()
  bench.tell({ type: 'track', session: 's', body: { track: 't', stream: 1, prompt: { box: LEFT, frame: 1 } } })
  await bench.until(() => bench.said().length > 0)
  expect(FromBackend.parse(JSON.parse(JSON.stringify(bench.said()[0])))).toMatchObject({ type: 'track-ended', error: { code: 'frame-gone', retryable: true } })
})

test('[TR1] a head that breaks takes nothing from the others, is told, and ends its watches after three frames', async () => {
  const bench = new EngineBench()
  const [region, other] = bench.model.heads.list
  if (!region || !other) throw new Error('The scripted model has two heads.')
  Object.assign(region, {
    run: async () => {
      throw new Error('memory.onnx: graph wants attended')
    },
  })
  Object.assign(other, { task: 'mask' })
  bench.open()
  bench.tell({ type: 'watch', session: 's', body: { watch: 'broken', stream: 1, query: 'ball', task: 'region' } })
  bench.tell({ type: 'watch', session: 's', body: { watch: 'whole', stream: 1, query: 'ball', task: 'mask' } })
  for (let frame = 1; frame <= 5; frame++) {
    bench.frame(frame, RED)
    const verdict = await bench.verdict(frame)
    expect(verdict.type === 'frame-seen' && verdict.perceptions.map((perception) => 'watch' in perception && perception.watch)).toEqual(['whole'])
  }
  expect(bench.errors).toHaveLength(3)
  expect(ends(bench, 'watch-stopped')).toMatchObject([{ watch: 'broken', error: { code: 'internal' } }])
})

test('asks that share runs share the time of the device', async () => {
  const model = new ScriptedModel({ script: () => 'word '.repeat(50), slots: 4, maxNewTokens: 1000 })
  const bench = await slowBench(model)
  const start = bench.now
  const asks = ['a', 'b', 'c', 'd']
  for (const ask of asks) bench.tell({ type: 'ask', session: 's', body: { ask, text: 'x' }, arrivedAt: bench.now })
  for (const ask of asks) await bench.answer(ask)
  const used = bench.said().reduce((sum, message) => sum + (message.type === 'answer-ended' ? message.usage.deviceMs : 0), 0)
  expect(used).toBeCloseTo(bench.now - start, 0)
})

test('[AS7] the clip that leads up to a live frame is sampled as evaluation and training sample it', async () => {
  const seen: number[][] = []
  const model = new ScriptedModel()
  Object.assign(model, { unit: 'clip' })
  const encode = model.encode.bind(model)
  model.encode = async (pictures) => {
    seen.push(pictures.map((picture) => picture[0] ?? 0))
    return (await encode(pictures)).slice(-1)
  }
  const bench = new EngineBench({ model })
  bench.open()
  for (let frame = 1; frame <= 10; frame++) {
    bench.frame(frame, [frame, 0, 0], { mediaTime: frame * 50 })
    await bench.verdict(frame)
  }
  expect(seen.at(-1)).toEqual([4, 6, 8, 10])
  expect(seen.at(0)).toEqual([1, 1, 1, 1])
})

test('[TR3] a track whose life ends while it catches up ends once and gives its place back', async () => {
  const model = new Following((index) => squares(index === 0 ? { colour: 3, x: 1, y: 1 } : { colour: 5, x: 6, y: 6 }))
  const bench = new EngineBench({ model })
  bench.open('s', { limits: { tracks: 1 } })
  for (let frame = 1; frame <= 12; frame++) bench.frame(frame, RED, { mediaTime: frame * 10_000 })
  await bench.verdict(12)
  bench.tell({ type: 'track', session: 's', body: { track: 't', stream: 1, prompt: { box: LEFT, frame: 1 } } })
  await bench.until(() => ends(bench, 'track-ended').length > 0)
  for (let turn = 0; turn < 20; turn++) await soon()
  bench.tell({ type: 'track-stop', session: 's', track: 't' })
  expect(ends(bench, 'track-ended')).toHaveLength(1)
  bench.tell({ type: 'track', session: 's', body: { track: 'u', stream: 1, prompt: { box: LEFT, frame: 12 } } })
  for (let turn = 0; turn < 20; turn++) await soon()
  expect(ends(bench, 'track-ended')).toHaveLength(1)
})

test('[TR2] a track whose start finds no room on the device is told so', async () => {
  const bench = new EngineBench({ model: new Following(), limits: { queuedFrames: 4 } })
  bench.open()
  for (let frame = 1; frame <= 2; frame++) bench.frame(frame, RED)
  await bench.verdict(2)
  for (let track = 0; track < 16; track++) bench.tell({ type: 'track', session: 's', body: { track: `t${track}`, stream: 1, prompt: { box: LEFT, frame: 2 } } })
  for (let turn = 0; turn < 50; turn++) await soon()
  bench.frame(3, RED)
  const verdict = await bench.verdict(3)
  const alive = verdict.type === 'frame-seen' ? verdict.perceptions.length : 0
  expect(alive).toBeGreaterThan(0)
  expect(alive + ends(bench, 'track-ended').length).toBe(16)
  expect(ends(bench, 'track-ended')[0]).toMatchObject({ error: { code: 'unavailable', retryable: true } })
})

test('[TR1] a watch that cannot be compiled again stands on what it had, and the next try waits', async () => {
  const bench = new EngineBench({ limits: { watchRefreshMs: 1000 } })
  bench.open()
  bench.tell({ type: 'watch', session: 's', body: { watch: 'w', stream: 1, query: 'ball', task: 'region' } })
  bench.frame(1, RED)
  await bench.verdict(1)
  let tries = 0
  bench.model.language.prefillInParts = () => {
    tries++
    throw new Error('no')
  }
  for (let frame = 2; frame <= 60; frame++) {
    bench.frame(frame, RED, { mediaTime: frame * 100 })
    const verdict = await bench.verdict(frame)
    expect(verdict.type === 'frame-seen' && verdict.perceptions).toHaveLength(1)
    await soon()
  }
  expect(tries).toBeGreaterThan(2)
  expect(tries).toBeLessThan(8)
  expect(bench.errors).toHaveLength(tries)
})

test('[AS4] an ask whose deadline passes while it waits for a slot ends then', async () => {
  const model = new ScriptedModel({ script: () => 'word '.repeat(400), slots: 1, maxNewTokens: 1000 })
  const bench = await slowBench(model)
  const long = bench.ask('long', 'x')
  const waiting = await bench.ask('waiting', 'x', { deadlineMs: 50 })
  expect(waiting.at(-1)).toMatchObject({ finish: 'deadline' })
  expect(ends(bench, 'answer-ended')).toHaveLength(1)
  await long
})
