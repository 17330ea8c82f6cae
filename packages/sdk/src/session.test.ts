import { DEFAULT_LIMITS } from '@fovea/protocol'
import type { Evidence } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { FakeEdge, settle } from '../test/fake-edge.ts'
import type { Frame } from './frame-source.ts'
import type { Result } from './results.ts'

const usage = { promptTokens: 1, answerTokens: 1, heads: 1, deviceMs: 1, totalMs: 1 }

function picture(mediaTime: number): Frame {
  return { data: new Uint8Array([1, 2, 3]), codec: 'jpeg', width: 4, height: 4, mediaTime }
}

function evidence(id: string): Evidence {
  return {
    id,
    version: 1,
    task: 'region',
    token: '<region>',
    query: 'dog',
    score: 0.9,
    stream: 1,
    frame: 1,
    mediaTime: 0,
    receivedAt: 0,
    regions: [{ box: [0, 0, 1, 1], score: 0.9 }],
    model: { bundle: 'toy', hash: 'x', head: 'region' },
  }
}

test('[AS2] an ask is a stream of events and a promise of the answer', async () => {
  const edge = new FakeEdge()
  edge.onMessage = (message) => {
    if (message.type !== 'ask-start') return
    edge.emit({ ...message, type: 'ask-accepted' })
    edge.emit({ type: 'answer-delta', ask: message.ask, text: 'the dog' })
    edge.emit({ type: 'head-result', ask: message.ask, evidence: evidence('ev_0000000001') })
    edge.emit({ type: 'answer-ended', ask: message.ask, finish: 'stop', text: 'the dog', usage })
  }
  const session = edge.open()
  const answer = session.ask('where is the dog?')
  const types: string[] = []
  for await (const event of answer) types.push(event.type)
  expect(types).toEqual(['ask-accepted', 'answer-delta', 'head-result', 'answer-ended'])
  expect(await answer).toMatchObject({ text: 'the dog', finish: 'stop', evidence: [{ id: 'ev_0000000001' }] })
  expect(await session.recall('ev_0000000001')).toMatchObject({ query: 'dog' })
  await session.close()
})

test('[AS5] a refused ask rejects with the code of the refusal; the session goes on', async () => {
  const edge = new FakeEdge()
  edge.onMessage = (message) => {
    if (message.type === 'ask-start')
      edge.say({ type: 'error', code: 'unavailable', message: 'No backend.', retryable: true, retryAfterMs: 3000, of: message.ask })
  }
  const session = edge.open()
  await expect(session.ask('what?')).rejects.toMatchObject({ code: 'unavailable', details: { retryAfterMs: 3000 } })
  await expect(session.locate('dog')).rejects.toMatchObject({ code: 'unavailable' })
  expect(session.connection.state).toBe('open')
  await session.close()
})

test('[EV2] [AS1] an ask survives a lost connection: said once more where unsure, every event once', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  const seen: number[] = []
  session.on('message', (message) => 'at' in message && seen.push(message.seq))
  const answer = session.ask('where is the dog?')
  await settle(2)
  edge.emit({ type: 'ask-accepted', ask: answer.ask, text: 'where is the dog?' })
  edge.emit({ type: 'answer-delta', ask: answer.ask, text: 'the ' })
  edge.drop()
  edge.emit({ type: 'answer-delta', ask: answer.ask, text: 'dog' })
  edge.emit({ type: 'answer-ended', ask: answer.ask, finish: 'stop', text: 'the dog', usage })
  expect(await answer).toMatchObject({ text: 'the dog' })
  expect(seen).toEqual([1, 2, 3, 4])
  expect(edge.said.filter(({ type }) => type === 'ask-start')).toHaveLength(1)
  expect(edge.tickets).toBe(2)
  await session.close()
})

test('[EV2] what was said into a dying socket is said again after the resume', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  const answer = session.ask('what?')
  edge.drop()
  edge.onMessage = (message) => {
    if (message.type === 'ask-start') edge.emit({ type: 'answer-ended', ask: message.ask, finish: 'stop', text: 'a dog', usage })
  }
  expect(await answer).toMatchObject({ text: 'a dog' })
  await session.close()
})

test('[EV2] [FR4] frames under way when the connection dies get their verdict and go again', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  const stream = session.openStream({ policy: 'all' })
  const results = session.results()
  await stream.put(picture(0))
  await stream.put(picture(100))
  await settle(2)
  edge.streams.get(1)?.pending.clear()
  edge.onFrame = ({ frame }) => edge.seen(1, frame)
  edge.drop()
  await stream.drained()
  expect(stream.counts).toEqual({ sent: 4, seen: 2, dropped: 2, resent: 2, replaced: 0 })
  const verdicts: Result['type'][] = []
  for (let index = 0; index < 4; index++) verdicts.push((await results.next()).value?.type ?? 'frame-settled')
  expect(verdicts).toEqual(['frame-dropped', 'frame-dropped', 'frame-seen', 'frame-seen'])
  await session.close()
})

test('[EV2] a number still pending at the edge stays pending over a resume and gets its real verdict', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  const stream = session.openStream({ policy: 'latest' })
  await stream.put(picture(0))
  await settle(2)
  edge.drop()
  await settle(5)
  expect(edge.said.filter((message) => message.type === 'session-resume').at(-1)).toMatchObject({ streams: [{ stream: 1, sent: 1, unsettled: [1] }] })
  edge.seen(1, 1)
  await stream.drained()
  expect(stream.counts).toMatchObject({ sent: 1, seen: 1, dropped: 0 })
  await session.close()
})

test('[SE2] a second owner ends this one for good, and everything that waits hears of it', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  const answer = session.ask('what?')
  await settle(2)
  edge.drop(4001)
  await expect(answer).rejects.toMatchObject({ code: 'conflict' })
  await settle(5)
  expect(edge.tickets).toBe(1)
  expect(session.connection.state).toBe('closed')
  expect(() => session.ask('again?')).toThrow('took this session over')
})

test('[FR6] results carry the age since capture by this machine’s clock', async () => {
  const edge = new FakeEdge()
  edge.onFrame = ({ frame }) => edge.seen(1, frame, [{ watch: 'w', task: 'region', score: 0.2, regions: [] }])
  const session = edge.open()
  const stream = session.openStream()
  const watch = session.watch('dog', { id: 'w' })
  const results = session.results()
  void stream.put({ ...picture(0), capturedAt: performance.now() - 500 })
  const { value } = await results.next()
  expect(value?.type === 'frame-seen' && value.captureAgeMs).toBeGreaterThanOrEqual(500)
  expect(watch.last).toMatchObject({ frame: 1, perception: { score: 0.2 } })
  expect(session.view()?.ageMs).toBeGreaterThanOrEqual(500)
  await session.close()
})

test('[FR7] the edge is told what was read: at 64 messages', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  for (let index = 0; index < 70; index++) edge.say({ type: 'stats', streams: [], timings: { p50: 0, p95: 0 } })
  await settle(2)
  expect(edge.said.filter(({ type }) => type === 'ack')).toEqual([{ type: 'ack', seq: 0, received: 64 }])
  await session.close()
})

test('a turn tells its words as they come; one whose end the log has lost says so instead of waiting for ever', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  const turn = session.turn('What is there?')
  const lost = session.turn('And then?')
  await settle(2)
  edge.emit({ type: 'turn-started', turn: turn.id, text: 'What is there?' })
  edge.emit({ type: 'turn-delta', turn: turn.id, from: 0, text: 'A ' })
  edge.emit({ type: 'turn-delta', turn: turn.id, from: 2, text: 'dog.' })
  edge.emit({ type: 'turn-ended', turn: turn.id, finish: 'stop', text: 'A dog.', evidence: [] })
  let said = ''
  for await (const event of turn) if (event.type === 'turn-delta') said = said.slice(0, event.from) + event.text
  expect(said).toBe((await turn).text)
  edge.say({
    type: 'session-reset',
    seq: edge.log.length,
    state: {
      state: 'live',
      streams: [],
      watches: [],
      tracks: [],
      asks: [],
      turns: [{ turn: lost.id, text: 'And then?', answer: 'A cat.', ended: true }],
      workflows: [],
    },
  })
  await expect(lost).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('This turn ended') })
  await session.close()
})

test('[TR2] follow resolves when the track stands, and its updates come from the log and the verdicts', async () => {
  const edge = new FakeEdge()
  edge.onMessage = (message) => {
    if (message.type === 'track-start') edge.emit({ type: 'track-started', track: message.track, stream: message.stream, prompt: message.prompt })
    if (message.type === 'track-stop') edge.emit({ type: 'track-ended', track: message.track, because: 'stopped' })
  }
  const session = edge.open()
  const stream = session.openStream()
  const track = await session.follow({ query: 'dog' })
  const lives: string[] = []
  const loop = (async () => {
    for await (const update of track) lives.push(update.life)
  })()
  edge.emit({ type: 'track-confirmed', track: track.track, stream: 1, frame: 1, mediaTime: 0, score: 0.9 })
  edge.onFrame = ({ frame }) => edge.seen(1, frame, [{ track: track.track, task: 'track', score: 0.8, life: 'confirmed', box: [0, 0, 1, 1] }])
  await stream.put(picture(0))
  await stream.drained()
  edge.emit({ type: 'track-ended', track: track.track, because: 'stream over' })
  await loop
  expect(lives).toEqual(['confirmed', 'confirmed', 'ended'])
  await session.close()
})

test('[WI5] a model that attaches later is told by a second session-ready', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  expect(session.model).toBeUndefined()
  const model = { name: 'toy', hash: 'x', tasks: ['region' as const], imageSize: [320, 320] as [number, number] }
  edge.say({
    type: 'session-ready',
    session: edge.session,
    epoch: 1,
    seq: 0,
    role: 'owner',
    state: 'live',
    model,
    limits: DEFAULT_LIMITS,
    streams: [],
    nextStream: 0,
  })
  expect(session.model).toEqual(model)
  expect(edge.said.filter(({ type }) => type === 'session-resume')).toHaveLength(1)
  await session.close()
})

test('a stream that the edge refuses tells whoever puts frames into it, and is not asked for again', async () => {
  const edge = new FakeEdge()
  edge.window = 0
  const session = edge.open()
  await session.ready
  const stream = session.openStream({ stream: 2, policy: 'all' })
  edge.say({ type: 'error', code: 'too-many', message: 'A session has 1 stream at most.', retryable: false, of: 'stream/2' })
  await expect(stream.put(picture(0))).rejects.toMatchObject({ code: 'too-many' })
  edge.drop()
  await settle(5)
  expect(edge.said.filter(({ type }) => type === 'stream-open').length).toBeLessThanOrEqual(1)
  await session.close()
})

test('close ends the session at the edge; closing twice is one closing', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  await Promise.all([session.close(), session.close()])
  await session.close()
  expect(edge.log.map(({ type }) => type)).toEqual(['session-ended'])
})

test('[WI5] a program that takes a session up opens its streams under numbers that were never used', async () => {
  const edge = new FakeEdge()
  const first = edge.open()
  await first.ready
  first.openStream().close()
  await settle(2)
  await first.close({ keep: true })
  const second = edge.open({ lastSeq: first.lastSeq })
  await second.ready
  expect([second.openStream().stream, second.openStream().stream]).toEqual([2, 3])
  await second.close()
})

test('an ask that names no stream is about the newest that is not closed', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  const [, second, third] = [session.openStream(), session.openStream(), session.openStream()]
  await settle(2)
  third.close()
  void session.ask('what?')
  await settle(2)
  edge.emit({ type: 'stream-closed', stream: second.stream, because: 'by the edge' })
  void session.ask('what?')
  const watch = session.watch('dog')
  await settle(2)
  expect(edge.said.filter(({ type }) => type === 'ask-start' || type === 'watch-start')).toMatchObject([
    { stream: 2 },
    { stream: 1 },
    { stream: 1, watch: watch.watch },
  ])
  await session.close()
})

test('close while the connection is away ends the session as soon as it is back', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  edge.drop()
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)))
  expect(session.connection.state).toBe('connecting')
  await session.close()
  expect(edge.log.at(-1)).toMatchObject({ type: 'session-ended' })
})

test('a session that cannot be reached says so instead of opening for ever', async () => {
  const edge = new FakeEdge()
  edge.reachable = false
  const session = edge.open()
  await expect(session.ready).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('6 tries') })
  expect(session.connection).toMatchObject({ state: 'closed' })
})

test('after close a look rejects, as whoever awaits it expects', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  await session.close()
  const looks = await Promise.allSettled([session.locate('dog'), session.segment('dog'), session.findMoment('a dog barks')])
  expect(looks.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
})
