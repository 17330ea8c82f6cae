import { CLOSE, DEFAULT_LIMITS, encodeVerdict, readFrameHeader } from '@fovea/protocol'
import type { EdgeMessage } from '@fovea/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FakeSession, withStore } from './fake-session.ts'
import type { FakeSocket } from './fake-session.ts'

/** A client that keeps to the rules, and remembers what it has read: the yardstick of section 11. */
class HonestClient {
  socket: FakeSocket
  sent = 0
  lastSeq = 0
  #read = 0
  #messages = 0
  readonly verdicts = new Map<number, string[]>()
  readonly seqs: number[] = []
  readonly fake: FakeSession
  window = 0

  constructor(fake: FakeSession) {
    this.fake = fake
    this.socket = fake.owner()
    fake.say(this.socket, { type: 'session-resume', lastSeq: 0, streams: [] })
    fake.say(this.socket, { type: 'stream-open', stream: 0, policy: 'latest' })
    this.readAll()
  }

  get verdictCount(): number {
    return Array.from(this.verdicts.values()).filter((all) => all.length > 0).length
  }

  readAll(): void {
    const { texts } = this.socket
    for (const message of texts.slice(this.#read)) this.#take(message)
    this.#messages += texts.length - this.#read
    this.#read = texts.length
    if (this.socket.closedWith === undefined) this.fake.say(this.socket, { type: 'ack', seq: this.lastSeq, received: this.#messages })
  }

  frame(): void {
    if (this.socket.closedWith !== undefined || this.sent + 1 - this.verdictCount > this.window) return
    this.sent++
    this.verdicts.set(this.sent, [])
    this.fake.frame(this.socket, this.sent, this.verdictCount)
  }

  /** A frame that the network loses with the socket. */
  lostFrame(): void {
    if (this.sent + 1 - this.verdictCount > this.window) return
    this.sent++
    this.verdicts.set(this.sent, [])
  }

  reconnect(): void {
    if (this.socket.closedWith === undefined) this.fake.close(this.socket)
    this.socket = this.fake.owner()
    this.#read = 0
    this.#messages = 0
    const unsettled = Array.from(this.verdicts).flatMap(([number, all]) => (all.length === 0 ? [number] : []))
    this.fake.say(this.socket, { type: 'session-resume', lastSeq: this.lastSeq, streams: [{ stream: 0, sent: this.sent, unsettled }] })
    this.readAll()
  }

  #take(message: EdgeMessage): void {
    if ('at' in message && 'seq' in message) {
      this.seqs.push(message.seq)
      this.lastSeq = message.seq
    }
    const settle = (number: number, outcome: string) => this.verdicts.get(number)?.push(outcome)
    if (message.type === 'stream-window') this.window = message.window
    if (message.type === 'frame-seen') settle(message.frame, 'seen')
    if (message.type === 'frame-dropped') settle(message.frame, message.reason)
    if (message.type === 'frames-settled')
      for (const { from, to, reason } of message.ranges) for (let number = from; number <= to; number++) settle(number, reason ?? 'seen')
  }
}

type Step =
  | 'frame'
  | 'read'
  | 'verdict'
  | 'drop'
  | 'evict'
  | 'crash'
  | 'reconnect'
  | 'lose-frame'
  | 'dial'
  | 'attach'
  | 'lose-backend'
  | 'time'
  | 'ask'
  | 'answer'
  | 'old-verdict'
const STEPS: Step[] = [
  'frame',
  'frame',
  'frame',
  'read',
  'read',
  'verdict',
  'verdict',
  'drop',
  'evict',
  'crash',
  'reconnect',
  'lose-frame',
  'dial',
  'attach',
  'attach',
  'lose-backend',
  'time',
  'ask',
  'answer',
  'old-verdict',
]

/** Walks a session through any order of events; at the end everything is settled. */
function walk(fake: FakeSession, steps: readonly Step[]) {
  const client = new HonestClient(fake)
  let backend: FakeSocket | undefined
  let answered = 0
  let lost: { socket: FakeSocket; epoch: number } | undefined
  const asks: string[] = []
  const forwarded = () =>
    backend?.frames.flatMap((bytes) => {
      const header = readFrameHeader(bytes)
      return 'problem' in header ? [] : [header.frame]
    }) ?? []
  const epochs: number[] = []
  const verdict = (outcome: 'seen' | 'dropped') => {
    const number = forwarded()[answered]
    if (!backend || number === undefined) return
    answered++
    const { epoch } = fake.session.row
    epochs.push(epoch)
    const json = JSON.stringify(
      outcome === 'seen'
        ? { type: 'frame-seen', stream: 0, frame: number, mediaTime: 0, receivedAt: 0, timings: { queue: 0, decode: 0, encode: 0, heads: 0 }, perceptions: [] }
        : { type: 'frame-dropped', stream: 0, frame: number, reason: 'stale' },
    )
    fake.session.message(backend, encodeVerdict({ outcome, stream: 0, frame: number, epoch }, json).buffer)
  }
  const dial = () => {
    const resting = fake.store.deadlines().some(({ kind }) => kind === 'lease')
    if (fake.session.row.phase !== 'attaching' || resting || fake.session.backing.link) return
    backend = fake.dial()
    answered = 0
  }
  const attach = () => {
    dial()
    if (backend && fake.session.backing.link?.attached === false) fake.attached(backend)
  }
  const loseBackend = () => {
    if (!backend) return
    lost = { socket: backend, epoch: fake.session.row.epoch }
    fake.close(backend)
    backend = undefined
  }
  for (const step of steps) {
    if (step === 'frame') client.frame()
    else if (step === 'read') client.readAll()
    else if (step === 'verdict') verdict('seen')
    else if (step === 'drop') verdict('dropped')
    else if (step === 'evict') fake.evict()
    else if (step === 'crash') {
      fake.evict({ closing: [client.socket, ...(backend ? [backend] : [])] })
      backend = undefined
      client.reconnect()
    } else if (step === 'reconnect') client.reconnect()
    else if (step === 'lose-frame') {
      client.lostFrame()
      client.reconnect()
    } else if (step === 'dial') dial()
    else if (step === 'attach') attach()
    else if (step === 'lose-backend') loseBackend()
    else if (step === 'time') fake.pass(2500)
    else if (step === 'ask') {
      if (client.socket.closedWith !== undefined) continue
      const ask = `a${asks.length}`
      asks.push(ask)
      fake.say(client.socket, { type: 'ask-start', ask, text: 'what?' })
    } else if (step === 'answer' && backend) {
      const open = backend.orders.flatMap((order) => (order.type === 'ask-start' ? [order.ask] : []))
      for (const ask of open.slice(0, 1))
        fake.session.message(
          backend,
          JSON.stringify({
            type: 'answer-ended',
            ask,
            finish: 'stop',
            text: 'x',
            usage: { promptTokens: 1, answerTokens: 1, heads: 0, deviceMs: 1, totalMs: 1 },
          }),
        )
    } else if (step === 'old-verdict' && lost) {
      // What a fenced backend still says counts for nothing [EP1].
      const before = client.socket.sent.length
      const number = client.sent
      fake.session.message(lost.socket, encodeVerdict({ outcome: 'seen', stream: 0, frame: number, epoch: lost.epoch }, '{"type":"frame-seen"}').buffer)
      expect(client.socket.sent.length).toBe(before)
    }
    const pending = fake.session.streams.open.get(0)?.gate.counters.pending.length ?? 0
    expect(pending, 'invariant 1').toBeLessThanOrEqual(2)
    expect(fake.session.streams.open.get(0)?.held.size ?? 0, 'invariant 2').toBeLessThanOrEqual(2)
    expect(client.socket.closedWith === undefined || client.socket.closedWith === CLOSE.replaced || client.socket.closedWith === 1006).toBe(true)
  }
  client.reconnect()
  attach()
  for (let left = forwarded().length - answered; left > 0; left--) verdict('seen')
  loseBackend()
  for (let tries = 0; tries < 8; tries++) fake.pass(6000)
  client.readAll()
  return { client, asks, epochs }
}

// Each run writes to a real store, on whatever machine this is.
const PATIENCE = 180_000

test(
  '[FR1] [EV1] [AS3] [EP1] [EP5] whatever happens in whatever order: one verdict a number, no gap in seq, one end an ask',
  { timeout: PATIENCE },
  async () => {
    await withStore((_store, clear) =>
      fc.assert(
        fc.property(fc.array(fc.constantFrom(...STEPS), { minLength: 5, maxLength: 50 }), (steps) => {
          clear()
          const fake = new FakeSession(_store, { limits: { ...DEFAULT_LIMITS, maxFps: 240 } })
          const { client, asks, epochs } = walk(fake, steps)
          const counts = Array.from(client.verdicts, ([number, all]) => [number, all.length])
          expect(
            counts.filter(([, count]) => count !== 1),
            'invariant 6: exactly one verdict',
          ).toEqual([])
          expect(client.seqs, 'invariant 4').toEqual(client.seqs.map((_, index) => index + 1))
          const ended = _store.eventsAfter(0, 10_000).flatMap(({ body }) => {
            const event = JSON.parse(body)
            return event.type === 'answer-ended' ? [event.ask] : []
          })
          const accepted = _store.eventsAfter(0, 10_000).flatMap(({ body }) => {
            const event = JSON.parse(body)
            return event.type === 'ask-accepted' ? [event.ask] : []
          })
          expect(ended.toSorted(), 'invariant 5').toEqual(accepted.toSorted())
          expect(asks.length).toBeGreaterThanOrEqual(accepted.length)
          expect(epochs, 'invariant 3').toEqual(epochs.toSorted((a, b) => a - b))
        }),
        {
          numRuns: 60,
          examples: [
            // A verdict was read after the counters were last written, and a crash brings the older ones back.
            [['attach', 'frame', 'reconnect', 'lose-backend', 'read', 'crash', 'frame', 'frame', 'frame', 'frame']],
          ],
        },
      ),
    )
  },
)

test('[EV2] a frame that no backend has after a crash is told to its sender at once', { timeout: PATIENCE }, async () => {
  await withStore((store) => {
    const fake = new FakeSession(store)
    const client = new HonestClient(fake)
    const backend = fake.backend()
    client.readAll()
    client.frame()
    // The owner's leaving writes the counters; the loss of the backend is told to the next owner, and not written.
    client.reconnect()
    fake.close(backend)
    fake.evict({ closing: [client.socket] })
    client.reconnect()
    expect(fake.session.state).toBe('attaching')
    expect(client.verdicts.get(1)).toEqual(['unavailable'])
  })
})

test('[EV2] bytes are held for pending numbers only, also where a returning sender has read their verdicts', { timeout: PATIENCE }, async () => {
  await withStore((store) => {
    const fake = new FakeSession(store)
    let owner = fake.owner()
    fake.say(owner, { type: 'session-resume', lastSeq: 0, streams: [] })
    fake.say(owner, { type: 'stream-open', stream: 0, policy: 'all' })
    for (let sent = 0; sent < 20; sent += 2) {
      fake.frame(owner, sent + 1, sent)
      fake.frame(owner, sent + 2, sent)
      owner = fake.owner()
      fake.say(owner, { type: 'session-resume', lastSeq: 0, streams: [{ stream: 0, sent: sent + 2, unsettled: [] }] })
    }
    expect(fake.session.streams.open.get(0)?.held.size, 'invariant 2').toBe(0)
  })
})

test('[WI2] [WI3] no bytes from a client crash the session or make it forget a number', { timeout: PATIENCE }, async () => {
  await withStore((store, clear) =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.string({ maxLength: 200 }), fc.json({ maxDepth: 3 })), { maxLength: 19 }),
        (messages) => {
          clear()
          const fake = new FakeSession(store)
          const client = new HonestClient(fake)
          const backend = fake.backend()
          for (const message of messages) fake.session.message(client.socket, typeof message === 'string' ? message : new Uint8Array(message).buffer)
          if (client.socket.closedWith !== undefined) return
          client.readAll()
          client.frame()
          expect(backend.frames).toHaveLength(1)
          expect(client.socket.texts.filter((message) => message.type === 'error')).toHaveLength(messages.length)
        },
      ),
      { numRuns: 40 },
    ),
  )
})
