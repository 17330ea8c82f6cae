import { CLOSE, DEFAULT_LIMITS, encodePicture, encodeVerdict } from '@fovea/protocol'
import type { ClientMessage } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { eventStream } from '../src/session/event-stream.ts'
import { Unread } from '../src/session/unread.ts'
import type { SessionStore } from '../src/store/session-store.ts'
import { FakeSession, SMALL, withStore } from './fake-session.ts'
import type { FakeSocket } from './fake-session.ts'

const HELLO: ClientMessage = { type: 'session-resume', lastSeq: 0, streams: [] }
const USAGE = { promptTokens: 1, answerTokens: 1, heads: 0, deviceMs: 1, totalMs: 1 }

function started(store: SessionStore, limits = DEFAULT_LIMITS): { fake: FakeSession; owner: FakeSocket; backend: FakeSocket } {
  const fake = new FakeSession(store, { limits })
  const owner = fake.owner()
  fake.say(owner, HELLO)
  fake.say(owner, { type: 'stream-open', stream: 0, policy: 'latest' })
  return { fake, owner, backend: fake.backend() }
}

const types = (socket: FakeSocket) => socket.texts.map((message) => message.type)
const seqs = (socket: FakeSocket) => socket.texts.flatMap((message) => ('at' in message && 'seq' in message ? [message.seq] : []))
const readAll = (fake: FakeSession, socket: FakeSocket) => fake.say(socket, { type: 'ack', seq: 0, received: socket.sent.length })
/** An answer of so many words. */
function speak({ fake, owner, backend }: { fake: FakeSession; owner: FakeSocket; backend: FakeSocket }, words: number): void {
  fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
  for (let word = 0; word < words; word++) fake.session.message(backend, JSON.stringify({ type: 'answer-delta', ask: 'a1', text: `word ${word}` }))
}

test('[FR7] a slow viewer loses verdicts, not events; what waited comes when it reads', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real, { ...DEFAULT_LIMITS, maxFps: 240 })
    const viewer = fake.viewer()
    fake.say(viewer, HELLO)
    const { epoch } = fake.session.row
    for (let number = 1; number <= 200; number++) {
      fake.pass(10)
      fake.frame(owner, number, number - 1)
      fake.session.message(backend, encodeVerdict({ outcome: 'seen', stream: 0, frame: number, epoch }, `{"type":"frame-seen","frame":${number}}`).buffer)
    }
    expect(viewer.sent.length).toBeLessThan(140)
    expect(types(owner).filter((type) => type === 'frame-seen')).toHaveLength(200)
    fake.say(owner, { type: 'ack', seq: 0, received: owner.sent.length })
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    expect(types(viewer)).not.toContain('ask-accepted')
    fake.say(viewer, { type: 'ack', seq: 0, received: viewer.sent.length })
    expect(types(viewer).at(-1)).toBe('ask-accepted')
  })
})

test('[FR7] a reader that reads nothing for a minute is let go; the others stay', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real, { ...DEFAULT_LIMITS, asksPerMinute: 1000 })
    const viewer = fake.viewer()
    fake.say(viewer, HELLO)
    for (let index = 0; index < 60; index++) {
      fake.say(owner, { type: 'ask-start', ask: `a${index}`, text: 'what?' })
      fake.session.message(backend, JSON.stringify({ type: 'answer-delta', ask: `a${index}`, text: 'x' }))
      fake.session.message(backend, JSON.stringify({ type: 'answer-ended', ask: `a${index}`, finish: 'stop', text: 'x', usage: USAGE }))
      fake.say(owner, { type: 'ack', seq: 0, received: owner.sent.length })
    }
    for (let seconds = 0; seconds < 70; seconds += 3) fake.pass(3000)
    expect(viewer.closedWith).toBe(CLOSE.overloaded)
    expect(owner.closedWith).toBeUndefined()
  })
})

test('[EP5] a reader behind the log is still behind after an eviction, and misses nothing', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real, { ...DEFAULT_LIMITS, asksPerMinute: 1000 })
    for (let index = 0; index < 80; index++) {
      fake.say(owner, { type: 'ask-start', ask: `a${index}`, text: 'what?' })
      fake.session.message(backend, JSON.stringify({ type: 'answer-ended', ask: `a${index}`, finish: 'stop', text: 'x', usage: USAGE }))
      if (index === 70) fake.evict()
    }
    for (let count = 0; count < 10; count++) fake.say(owner, { type: 'ack', seq: 0, received: owner.sent.length })
    expect(seqs(owner)).toEqual(Array.from({ length: fake.session.log.last }, (_, index) => index + 1))
  })
})

test('[FR7] what is unread is counted message by message, and anew from the first count after a sleep', () => {
  const awake = new Unread({ counted: true })
  for (const size of [10, 20, 30]) awake.sent(size)
  expect([awake.read(2), awake.messages, awake.bytes]).toEqual([true, 1, 30])
  expect([awake.read(2), awake.read(1)]).toEqual([false, false])
  expect([awake.read(99), awake.messages, awake.bytes]).toEqual([true, 0, 0])
  const woken = new Unread({ counted: false })
  woken.sent(10)
  expect([woken.read(500), woken.messages]).toEqual([true, 0])
  woken.sent(20)
  expect([woken.read(500), woken.messages, woken.read(501), woken.messages]).toEqual([false, 1, true, 0])
})

test('[FR7] a reader that has read a large picture is not slow: it gets its words, and is not let go', async () => {
  await withStore((store) => {
    const { fake, owner, backend } = started(store)
    fake.say(owner, { type: 'picture-get', request: 'p1', stream: 0, frame: 1 })
    fake.session.message(backend, encodePicture({ frame: 1, stream: 0, request: '1-p1' }, new Uint8Array(1_200_000)).buffer)
    readAll(fake, owner)
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    fake.session.message(backend, JSON.stringify({ type: 'answer-delta', ask: 'a1', text: 'a cup' }))
    expect(types(owner).slice(-2)).toEqual(['ask-accepted', 'answer-delta'])
    for (let seconds = 0; seconds < 90; seconds += 3) {
      fake.session.message(backend, JSON.stringify({ type: 'load', sessions: 1, deviceMs: 0, oldestMs: 0, modelThread: 'ready' }))
      fake.pass(3000)
    }
    expect(owner.closedWith).toBeUndefined()
  })
})

test('[FR7] a client that is answered a thousand times and reads nothing is let go at once', async () => {
  await withStore((store) => {
    const { fake, owner } = started(store)
    for (let count = 0; count < 2000; count++) fake.say(owner, { type: 'ask-cancel', ask: 'none' })
    expect([owner.closedWith, fake.session.state]).toEqual([CLOSE.overloaded, 'paused'])
    expect(owner.sent.length).toBeLessThan(1100)
  })
})

test('[EV2] a slow reader whose place was trimmed gets the state and what follows it, not a gap', async () => {
  await withStore((store) => {
    const { fake, owner, backend } = started(store, SMALL)
    speak({ fake, owner, backend }, 400)
    for (let count = 0; count < 10; count++) readAll(fake, owner)
    let last = 0
    for (const message of owner.texts) {
      if (message.type === 'session-reset') last = message.seq
      if (!('seq' in message) || !('at' in message)) continue
      expect(message.seq).toBe(last + 1)
      last = message.seq
    }
    expect([types(owner).filter((type) => type === 'session-reset'), last]).toEqual([['session-reset'], fake.session.log.last])
  })
})

test('[EV3] a slow reader of the log over HTTP whose place was trimmed gets the state too', async () => {
  await withStore(async (store) => {
    const { fake, owner, backend } = started(store, SMALL)
    const reader = eventStream(fake.session, store, { after: 0 }).getReader()
    const read = async () => new TextDecoder().decode((await reader.read()).value)
    const first = await read()
    speak({ fake, owner, backend }, 400)
    const second = await read()
    expect(first).not.toContain('session-reset')
    expect(second).toMatch(new RegExp(`^event: session-reset\\nid: ${fake.session.log.last}\\n`))
    fake.say(owner, { type: 'stream-close', stream: 0 })
    expect(await read()).toMatch(new RegExp(`^id: ${fake.session.log.last}\\nevent: stream-closed\\n`))
    await reader.cancel()
  })
})

test('[PE4] a picture whose backend has gone is refused in time, once; what comes later is not sent', async () => {
  await withStore((store) => {
    const { fake, owner, backend } = started(store)
    const picture = encodePicture({ frame: 1, stream: 0, request: '1-p1' }, new Uint8Array(4)).buffer
    fake.say(owner, { type: 'picture-get', request: 'p1', stream: 0, frame: 1 })
    fake.close(backend)
    const next = fake.backend()
    fake.pass(60_000)
    const refused = () => owner.texts.filter((message) => message.type === 'error' && message.of === 'p1')
    expect(refused()).toMatchObject([{ code: 'unavailable', retryable: true }])
    const { length } = owner.sent
    fake.session.message(next, picture)
    expect(owner.sent).toHaveLength(length)
    fake.say(owner, { type: 'picture-get', request: 'p1', stream: 0, frame: 1 })
    fake.evict()
    fake.session.message(next, picture)
    expect(owner.sent).toHaveLength(length + 1)
    fake.pass(60_000)
    expect(refused()).toHaveLength(1)
  })
})

test('[PE4] eight pictures may be waited for at once on a socket', async () => {
  await withStore((store) => {
    const { fake, owner, backend } = started(store)
    for (let count = 0; count < 9; count++) fake.say(owner, { type: 'picture-get', request: `p${count}`, stream: 0, frame: 1 })
    expect(owner.texts.at(-1)).toMatchObject({ type: 'error', code: 'rate', of: 'p8', retryable: true, expected: 8 })
    expect(backend.orders.filter(({ type }) => type === 'picture-get')).toHaveLength(8)
  })
})

test('[AS3] an ask whose id looks like that of a picture request ends where the backend refuses it', async () => {
  await withStore((store) => {
    const { fake, owner, backend } = started(store)
    fake.say(owner, { type: 'ask-start', ask: '1-a', text: 'what?' })
    fake.session.message(backend, JSON.stringify({ type: 'error', code: 'unsupported', message: 'No.', retryable: false, of: '1-a' }))
    expect(owner.texts.at(-1)).toMatchObject({ type: 'answer-ended', ask: '1-a', error: { code: 'unsupported' } })
  })
})
