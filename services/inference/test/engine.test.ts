import { expect, test } from 'vitest'
import { EngineBench } from './engine-bench.ts'
import { ScriptedModel } from './scripted-model.ts'

const RED = [255, 128, 128] as const
const GREEN = [0, 255, 0] as const
const ended = (messages: { type: string }[]) => messages.find((message) => message.type === 'answer-ended')
const evidence = (messages: { type: string }[]) =>
  messages.flatMap((message) =>
    'evidence' in message && message.type === 'head-result'
      ? [message.evidence as { frame: number; score: number; regions?: unknown[]; spans?: { start: number; end: number }[]; query: string }]
      : [],
  )

test('[AS7] an ask sees what was sent before it, and `at` looks back', async () => {
  const bench = new EngineBench({ model: new ScriptedModel({ script: () => '<p> the ball <region> yes' }) })
  bench.open()
  for (let frame = 1; frame <= 10; frame++) bench.frame(frame, frame === 3 ? RED : GREEN)
  const now = await bench.ask('now', 'where is the ball?')
  expect(evidence(now)[0]).toMatchObject({ frame: 10, regions: [], query: 'the ball' })
  expect(evidence(await bench.ask('back', 'where was the ball?', { at: { frame: 3 } }))[0]).toMatchObject({ frame: 3, score: 1 })
  expect(evidence(await bench.ask('range', 'when?', { at: { from: 200, to: 500 }, tasks: ['moment'] }))[0]?.spans).toEqual([{ start: 200, end: 500, score: 1 }])
})

test('[AS7] a range longer than the model sees at once is looked at in windows, and what they saw is put together', async () => {
  const bench = new EngineBench()
  bench.open()
  for (let frame = 1; frame <= 84; frame++) bench.frame(frame, RED, { mediaTime: frame * 25 })
  const told = await bench.ask('long', 'it rolls', { at: { from: 100, to: 2100 }, tasks: ['moment', 'region'] })
  expect(told.map((message) => message.type)).toEqual(['answer-delta', 'head-started', 'head-result', 'head-started', 'head-result', 'answer-ended'])
  expect(evidence(told)[1]?.spans).toEqual([{ start: 100, end: 2100, score: 1 }])
  // One prompt for the ask, and one for each window of 300 ms, 150 ms apart.
  expect(bench.model.language.prompts).toHaveLength(1 + Math.ceil((2000 - 300) / 150) + 1)
  expect(bench.model.language.inUse).toBe(0)
})

test('[AS5] a frame that is gone is said to be, with what is retained', async () => {
  const bench = new EngineBench()
  bench.open()
  for (let frame = 1; frame <= 140; frame++) bench.frame(frame, GREEN)
  expect(ended(await bench.ask('gone', 'what?', { at: { frame: 5 } }))).toMatchObject({
    finish: 'error',
    error: { code: 'frame-gone', retained: { from: 13, to: 140 } },
  })
  expect(ended(await bench.ask('later', 'what?', { at: { from: 90_000, to: 95_000 } }))).toMatchObject({ finish: 'error', error: { code: 'frame-gone' } })
  const gone = bench.sent.flatMap((message) => (message.type === 'verdict' ? message.gone : []))
  expect(gone).toEqual(Array.from({ length: 12 }, (_, index) => index + 1))
})

test('features that were let go are made again from the picture', async () => {
  const bench = new EngineBench({ model: new ScriptedModel({ script: () => '<region>' }), limits: { featureFrames: 2 } })
  bench.open()
  for (let frame = 1; frame <= 6; frame++) bench.frame(frame, RED)
  await bench.verdict(6)
  const before = bench.model.encoded
  await bench.ask('fresh', 'x', { at: { frame: 6 } })
  expect(bench.model.encoded).toBe(before)
  expect(evidence(await bench.ask('old', 'x', { at: { frame: 2 } }))[0]).toMatchObject({ frame: 2, score: 1 })
  expect(bench.model.encoded).toBe(before + 1)
})

test('[AS1] forced heads answer the bare phrase, each in its turn, and the answer is not empty', async () => {
  const bench = new EngineBench()
  bench.open()
  bench.frame(1, RED)
  const told = await bench.ask('forced', 'the ball', { tasks: ['region', 'moment'] })
  expect(told.map((message) => message.type)).toEqual(['answer-delta', 'head-started', 'head-result', 'head-started', 'head-result', 'answer-ended'])
  expect(evidence(told).map((each) => each.query)).toEqual(['the ball', 'the ball'])
  expect(ended(told)).toMatchObject({ text: 'the ball', finish: 'stop' })
  expect(ended(await bench.ask('unknown', 'the ball', { tasks: ['mask'] }))).toMatchObject({ finish: 'error', error: { code: 'unsupported' } })
})

test('[AS3] [AS4] a cancelled ask ends once, as cancelled, and its slot is free again', async () => {
  const bench = new EngineBench({ model: new ScriptedModel({ script: () => 'word '.repeat(30), maxNewTokens: 1000 }) })
  bench.open()
  bench.frame(1, RED)
  await bench.verdict(1)
  bench.tell({ type: 'ask', session: 's', body: { ask: 'long', text: 'go on' }, arrivedAt: 0 })
  bench.tell({ type: 'ask-cancel', session: 's', ask: 'long' })
  expect(ended(await bench.answer('long'))).toMatchObject({ finish: 'cancelled' })
  bench.tell({ type: 'ask-cancel', session: 's', ask: 'long' })
  await bench.ask('next', 'still there?')
  expect(bench.said().filter((message) => message.type === 'answer-ended')).toHaveLength(2)
})

test('a deadline that passes while the answer is given ends it as deadline', async () => {
  const bench = new EngineBench({ model: new ScriptedModel({ script: () => 'word '.repeat(20), maxNewTokens: 1000 }) })
  bench.open()
  bench.frame(1, RED)
  await bench.verdict(1)
  const feed = bench.model.language.feed.bind(bench.model.language)
  bench.model.language.feed = (rows) => {
    bench.now += 10
    return feed(rows)
  }
  expect(ended(await bench.ask('slow', 'tell me all', { deadlineMs: 55 }))).toMatchObject({
    finish: 'deadline',
    text: expect.stringMatching(/^word( word){2,7}$/),
  })
})

test('[TR1] a watch is compiled without being in view, and answered on every later frame by the head alone', async () => {
  const bench = new EngineBench()
  bench.open()
  bench.tell({ type: 'watch', session: 's', body: { watch: 'w', stream: 1, query: 'the ball', task: 'region' } })
  bench.frame(1, GREEN)
  bench.frame(2, GREEN)
  bench.frame(3, RED)
  await bench.verdict(3)
  const perceptions = bench.verdicts().map((verdict) => ('perceptions' in verdict ? verdict.perceptions[0] : undefined))
  expect(perceptions).toMatchObject([
    { watch: 'w', regions: [] },
    { watch: 'w', regions: [] },
    { watch: 'w', score: 1, regions: [{ score: 1 }] },
  ])
  expect(bench.model.language.prompts).toEqual(['the ball'])
  bench.tell({ type: 'watch-stop', session: 's', watch: 'w' })
  bench.frame(4, RED)
  expect(await bench.verdict(4)).toMatchObject({ perceptions: [] })
})

test('[TR1] a head that cannot stand is asked again every everyMs, and the client is told', async () => {
  const bench = new EngineBench({ model: new ScriptedModel({ standing: false }) })
  bench.open()
  bench.tell({ type: 'watch', session: 's', body: { watch: 'w', stream: 1, query: 'the ball', task: 'region', everyMs: 500 } })
  for (let frame = 1; frame <= 20; frame++) {
    bench.frame(frame, RED)
    await bench.verdict(frame)
  }
  expect(bench.said()[0]).toMatchObject({ type: 'watch-started', standing: false })
  expect(bench.model.language.prompts.length).toBeGreaterThanOrEqual(3)
  expect(bench.model.language.prompts.length).toBeLessThanOrEqual(5)
})

test('limits of the session hold: watches, asks', async () => {
  const bench = new EngineBench({ model: new ScriptedModel({ script: () => 'word '.repeat(50), maxNewTokens: 1000 }) })
  bench.open('s', { limits: { watches: 1, asks: 2 } })
  bench.frame(1, RED)
  await bench.verdict(1)
  for (const watch of ['w1', 'w2']) bench.tell({ type: 'watch', session: 's', body: { watch, stream: 1, query: 'x', task: 'region' } })
  await bench.until(() => bench.said().some((message) => message.type === 'error'))
  expect(bench.said().find((message) => message.type === 'error')).toMatchObject({ of: 'w2', code: 'too-many', expected: 1 })
  for (const ask of ['a', 'b', 'c']) bench.tell({ type: 'ask', session: 's', body: { ask, text: 'x' }, arrivedAt: 0 })
  expect(ended(await bench.answer('c'))).toMatchObject({ finish: 'error', error: { code: 'too-many' } })
  expect(ended(await bench.answer('a'))).toMatchObject({ finish: 'stop' })
  expect(ended(await bench.answer('b'))).toMatchObject({ finish: 'stop' })
})

test('[FR1] a live frame that waited too long is stale; of a file nothing is', async () => {
  const bench = new EngineBench()
  bench.open('s', {
    streams: [
      { stream: 1, policy: 'latest' },
      { stream: 2, policy: 'all' },
    ],
  })
  bench.frame(1, RED, { arrivedAt: bench.now - 5000 })
  bench.frame(2, RED, { arrivedAt: bench.now - 5000, keep: true })
  bench.frame(1, RED, { stream: 2, arrivedAt: bench.now - 5000 })
  await bench.until(() => bench.verdicts().length === 3)
  expect(bench.verdicts().map((verdict) => [verdict.stream, verdict.frame, verdict.type])).toEqual([
    [1, 1, 'frame-dropped'],
    [1, 2, 'frame-seen'],
    [2, 1, 'frame-seen'],
  ])
})

test('one session that floods does not keep another waiting', async () => {
  const bench = new EngineBench()
  bench.open('a')
  bench.open('b')
  for (let frame = 1; frame <= 30; frame++) bench.frame(frame, RED, { session: 'a' })
  bench.frame(1, RED, { session: 'b' })
  await bench.verdict(1, 'b')
  expect(bench.verdicts('a').length).toBeLessThan(5)
  await bench.verdict(30, 'a')
  expect(bench.verdicts('a').map((verdict) => verdict.frame)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1))
})

test('a session that leaves ends its asks, gives its slots back and leaves nothing behind', async () => {
  const bench = new EngineBench({ model: new ScriptedModel({ script: () => 'word '.repeat(50), maxNewTokens: 1000 }) })
  bench.open()
  bench.frame(1, RED)
  await bench.verdict(1)
  bench.tell({ type: 'ask', session: 's', body: { ask: 'a', text: 'x' }, arrivedAt: 0 })
  bench.frame(2, RED)
  bench.tell({ type: 'session-close', session: 's' })
  expect(ended(await bench.answer('a'))).toMatchObject({ finish: 'error', error: { code: 'unavailable', retryable: true } })
  expect(bench.engine.sessions).toBe(0)
  bench.frame(3, RED)
  const slots = bench.sent.flatMap((message) => (message.type === 'verdict' ? [message.slot] : []))
  expect(slots.toSorted((a, b) => a - b)).toEqual([0, 1, 2])
})

test('an encoder that breaks costs the frame, not the session', async () => {
  const bench = new EngineBench()
  bench.open()
  const encode = bench.model.encode.bind(bench.model)
  bench.model.encode = async () => {
    throw new Error('out of memory')
  }
  bench.frame(1, RED)
  expect(await bench.verdict(1)).toMatchObject({ type: 'frame-dropped', reason: 'unavailable' })
  bench.model.encode = encode
  bench.frame(2, RED)
  expect(await bench.verdict(2)).toMatchObject({ type: 'frame-seen' })
  expect(bench.errors).toHaveLength(1)
})
