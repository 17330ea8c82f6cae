import { CLOSE, readFrameHeader } from '@fovea/protocol'
import type { ClientMessage } from '@fovea/protocol'
import { expect, test, vi } from 'vitest'
import { FakeSession, withStore } from './fake-session.ts'
import type { FakeSocket } from './fake-session.ts'

const HELLO: ClientMessage = { type: 'session-resume', lastSeq: 0, streams: [] }
const OPEN = { type: 'stream-open', stream: 0, policy: 'latest' } as const
const BOX: [number, number, number, number] = [0.1, 0.1, 0.5, 0.5]

/** What a backend was sent, in order: types of messages, numbers of frames. */
const told = (backend: FakeSocket) =>
  backend.sent.map((message) => {
    if (typeof message === 'string') return JSON.parse(message).type
    const header = message instanceof ArrayBuffer ? readFrameHeader(message) : { problem: 'no frame' }
    return 'problem' in header ? header.problem : header.frame
  })

/** An owner with an open stream, whose backend is still to come. */
function waiting(fake: FakeSession): FakeSocket {
  const owner = fake.owner()
  fake.say(owner, HELLO)
  fake.say(owner, OPEN)
  return owner
}

test('[SE3] what is opened, started and stopped while a backend attaches reaches it at once; asks wait until it has', () =>
  withStore((store) => {
    const fake = new FakeSession(store)
    const owner = waiting(fake)
    fake.say(owner, { type: 'watch-start', watch: 'w0', stream: 0, query: 'cup', task: 'region' })
    const backend = fake.dial()
    fake.say(owner, { ...OPEN, stream: 1 })
    fake.say(owner, { type: 'watch-start', watch: 'w1', stream: 1, query: 'dog', task: 'region' })
    fake.say(owner, { type: 'track-start', track: 't1', stream: 1, prompt: { query: 'dog' } })
    fake.say(owner, { type: 'stream-pause', stream: 0, paused: true })
    fake.say(owner, { type: 'watch-stop', watch: 'w0' })
    fake.say(owner, { type: 'track-stop', track: 't1' })
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    fake.say(owner, { type: 'stream-pause', stream: 0, paused: false })
    fake.say(owner, { type: 'stream-close', stream: 0 })
    const before = ['session-open', 'stream-open', 'watch-start', 'track-start', 'stream-pause', 'watch-stop', 'track-stop', 'stream-pause', 'stream-close']
    expect(told(backend)).toEqual(before)
    fake.attached(backend)
    expect(told(backend)).toEqual([...before, 'ask-start'])
  }))

test('[SE3] an ask that is cancelled while a backend attaches never reaches it', () =>
  withStore((store) => {
    const fake = new FakeSession(store)
    const owner = waiting(fake)
    const backend = fake.dial()
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    fake.say(owner, { type: 'ask-cancel', ask: 'a1' })
    fake.attached(backend)
    expect(told(backend)).toEqual(['session-open'])
    expect(owner.texts.find(({ type }) => type === 'answer-ended')).toMatchObject({ ask: 'a1', finish: 'cancelled' })
  }))

test('[TR2] a track that starts from a frame which is still held is said after that frame', () =>
  withStore((store) => {
    const fake = new FakeSession(store)
    const owner = waiting(fake)
    fake.frame(owner, 1, 0)
    fake.frame(owner, 2, 0)
    fake.say(owner, { type: 'track-start', track: 't1', stream: 0, prompt: { box: BOX, frame: 1 } })
    fake.say(owner, { type: 'track-start', track: 't2', stream: 0, prompt: { query: 'cup' } })
    const backend = fake.dial()
    fake.say(owner, { type: 'track-start', track: 't3', stream: 0, prompt: { box: BOX, frame: 2 } })
    fake.say(owner, { type: 'track-start', track: 't4', stream: 0, prompt: { box: BOX, frame: 2 } })
    fake.say(owner, { type: 'track-stop', track: 't4' })
    expect(backend.orders).toMatchObject([{ type: 'session-open', tracks: [{ track: 't2' }] }])
    fake.attached(backend)
    expect(told(backend)).toEqual(['session-open', 1, 2, 'track-start', 'track-start'])
    expect(backend.orders.slice(1)).toMatchObject([{ track: 't1', prompt: { frame: 1 } }, { track: 't3' }])
  }))

test('[EP5] a track that waits for its held frame is said after an eviction too, and ends as its frame is gone', () =>
  withStore((store) => {
    const fake = new FakeSession(store)
    const owner = waiting(fake)
    fake.frame(owner, 1, 0)
    fake.say(owner, { type: 'track-start', track: 't1', stream: 0, prompt: { box: BOX, frame: 1 } })
    const backend = fake.dial()
    fake.evict()
    fake.attached(backend)
    expect(told(backend)).toEqual(['session-open', 'track-start'])
    fake.session.message(backend, JSON.stringify({ type: 'error', code: 'frame-gone', message: 'Frame 1 is not kept.', retryable: false, of: 't1' }))
    expect(owner.texts.at(-1)).toMatchObject({ type: 'track-ended', track: 't1', error: { code: 'frame-gone' } })
  }))

test('a stream that is opened twice alike is opened at the backend once', () =>
  withStore((store) => {
    const fake = new FakeSession(store)
    const owner = waiting(fake)
    const backend = fake.backend()
    fake.say(owner, OPEN)
    expect(told(backend)).toEqual(['session-open'])
    expect(owner.texts.at(-1)).toMatchObject({ type: 'stream-window', stream: 0, window: 2 })
  }))

test('[EP1] an epoch is spent once its backend has not come in time: one that comes late is fenced, the next one attaches', () =>
  withStore((store) => {
    const fake = new FakeSession(store)
    waiting(fake)
    fake.pass(5000)
    expect(() => fake.dial(1)).toThrow('fenced')
    fake.pass(300)
    expect(fake.session.row.epoch).toBe(2)
    const next = fake.dial(2)
    fake.attached(next)
    expect([fake.session.state, fake.session.backing.link?.attachment.epoch]).toEqual(['live', 2])
  }))

test('[EP1] a backend that has dialled in and is then said to have refused is fenced, whatever it says later', () =>
  withStore((store) => {
    const fake = new FakeSession(store)
    waiting(fake)
    const late = fake.dial()
    fake.session.backing.missed(1, 'it is full')
    expect(late.closedWith).toBe(CLOSE.fenced)
    fake.attached(late, { epoch: 1 })
    expect(fake.session.state).toBe('attaching')
    fake.pass(300)
    fake.backend()
    expect([fake.session.state, fake.session.row.epoch]).toEqual(['live', 2])
  }))

test('[EP5] a backend that was given back and has not answered the close is not taken up again after an eviction', () =>
  withStore((store) => {
    const fake = new FakeSession(store)
    const owner = waiting(fake)
    const backend = fake.backend()
    fake.close(owner)
    fake.pass(61_000)
    expect([fake.session.state, backend.closedWith]).toEqual(['idle', CLOSE.normal])
    fake.evict({ unanswered: [backend] })
    expect(fake.session.backing.link).toBeUndefined()
    fake.say(fake.owner(), HELLO)
    fake.backend()
    expect([fake.session.state, fake.session.row.epoch]).toEqual(['live', 2])
  }))

test('what a backend says and the edge does not understand is logged, once a kind', () =>
  withStore((store) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    try {
      const fake = new FakeSession(store)
      waiting(fake)
      const backend = fake.backend()
      for (let count = 0; count < 3; count++) fake.session.message(backend, JSON.stringify({ type: 'answer-whistled', ask: 'a1' }))
      expect(warn.mock.calls).toEqual([[expect.stringContaining('answer-whistled')]])
    } finally {
      warn.mockRestore()
    }
  }))
