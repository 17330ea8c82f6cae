import { DEFAULT_LIMITS, readFrameHeader } from '@fovea/protocol'
import { ClientMessage, EdgeMessage } from '@fovea/protocol'
import type { FrameHeader, SessionEvent, TransientMessage, UnnumberedEvent } from '@fovea/protocol'
import { Backoff } from '../src/backoff.ts'
import { Session } from '../src/session.ts'
import type { OpenWire, WireHandlers } from '../src/websocket.ts'

type Counters = { policy: 'latest' | 'all'; sent: number; pending: Set<number>; received: FrameHeader[] }

/** A small honest edge in memory: one session with its log, streams and resume. Every message that passes is checked with the schemas of the protocol. */
export class FakeEdge {
  readonly session = 's_0123456789abcdef'
  readonly log: SessionEvent[] = []
  readonly streams = new Map<number, Counters>()
  readonly said: ClientMessage[] = []
  readonly frames: FrameHeader[] = []
  window = 2
  nextStream = 0
  tickets = 0
  /** answers to what the client says, beside what every session does */
  onMessage: (message: ClientMessage) => void = () => {}
  onFrame: (header: FrameHeader) => void = () => {}
  #wire: WireHandlers | undefined
  #resumed = false

  /** false: no socket comes about, as when the network is away */
  reachable = true

  readonly openWire: OpenWire = (_url, _protocols, handlers) => {
    queueMicrotask(() => {
      if (!this.reachable) return handlers.close(1006, '')
      this.#wire = handlers
      this.#resumed = false
      handlers.open()
      this.#text({
        type: 'session-ready',
        session: this.session,
        epoch: 1,
        seq: this.log.length,
        role: 'owner',
        state: 'live',
        limits: DEFAULT_LIMITS,
        streams: Array.from(this.streams, ([stream, { policy, sent }]) => ({
          stream,
          policy,
          sent,
          window: this.window,
          maxFrameBytes: DEFAULT_LIMITS.maxFrameBytes,
        })),
        nextStream: this.nextStream,
      })
    })
    return {
      send: (data) => {
        if (this.#wire !== handlers) return
        const copy = typeof data === 'string' ? data : data.slice()
        queueMicrotask(() => this.#wire === handlers && (typeof copy === 'string' ? this.#hear(ClientMessage.parse(JSON.parse(copy))) : this.#see(copy)))
      },
      close: (code = 1000, reason = '') => this.#down(handlers, code, reason),
      drop: () => this.#down(handlers, 1006, ''),
    }
  }

  open(options: { lastSeq?: number; openWire?: OpenWire } = {}): Session {
    return new Session({
      id: this.session,
      resumeKey: 'key',
      openWire: this.openWire,
      ticket: async () => ({ wsUrl: `ws://fake/${this.tickets++}`, protocols: ['fovea.v1', 'ticket.x'] }),
      findEvidence: async () => undefined,
      backoff: new Backoff({ first: { from: 0, to: 0 } }),
      ...options,
    })
  }

  /** Writes an event, then sends it [EV1]. */
  emit(event: UnnumberedEvent): void {
    const numbered: unknown = { ...event, seq: this.log.length + 1, at: 0 }
    const whole = EdgeMessage.parse(numbered)
    if (!('at' in whole)) throw new Error('an event has a time')
    this.log.push(whole)
    if (this.#resumed) this.#text(whole)
  }

  say(message: TransientMessage): void {
    EdgeMessage.parse(message)
    if (this.#resumed) this.#text(message)
  }

  seen(stream: number, frame: number, perceptions: Extract<TransientMessage, { type: 'frame-seen' }>['perceptions'] = []): void {
    this.streams.get(stream)?.pending.delete(frame)
    this.say({ type: 'frame-seen', stream, frame, mediaTime: frame * 100, receivedAt: 0, timings: { queue: 0, decode: 0, encode: 0, heads: 0 }, perceptions })
  }

  /** The network fails: what is under way on this socket is lost. */
  drop(code = 1006): void {
    if (this.#wire) this.#down(this.#wire, code, '')
  }

  #down(handlers: WireHandlers, code: number, reason: string): void {
    if (this.#wire !== handlers) return
    this.#wire = undefined
    this.#resumed = false
    queueMicrotask(() => handlers.close(code, reason))
  }

  #text(message: EdgeMessage): void {
    this.#wire?.text(JSON.stringify(message))
  }

  #see(bytes: Uint8Array): void {
    const header = readFrameHeader(bytes)
    if ('problem' in header) throw new Error(header.problem)
    const stream = this.streams.get(header.stream)
    if (!stream || header.frame !== stream.sent + 1) throw new Error(`frame ${header.frame} after ${stream?.sent}`)
    if (header.frame - header.verdictsRead > this.window) throw new Error(`frame ${header.frame} is beyond the window: ${header.verdictsRead} verdicts read`)
    stream.sent = header.frame
    stream.pending.add(header.frame)
    stream.received.push(header)
    this.frames.push(header)
    this.onFrame(header)
  }

  #hear(message: ClientMessage): void {
    this.said.push(message)
    if (message.type === 'session-resume') this.#resume(message)
    else if (!this.#resumed) throw new Error(`${message.type} before session-resume`)
    else if (message.type === 'stream-open' && !this.streams.has(message.stream)) {
      this.nextStream = Math.max(this.nextStream, message.stream + 1)
      this.streams.set(message.stream, { policy: message.policy, sent: 0, pending: new Set(), received: [] })
      this.emit({ type: 'stream-opened', stream: message.stream, policy: message.policy })
      this.say({ type: 'stream-window', stream: message.stream, window: this.window })
    } else if (message.type === 'stream-close') {
      const pending = [...(this.streams.get(message.stream)?.pending ?? [])]
      this.streams.delete(message.stream)
      this.emit({ type: 'stream-closed', stream: message.stream, because: 'closed by the client' })
      this.#settle(message.stream, pending)
    } else if (message.type === 'session-end') this.emit({ type: 'session-ended', because: 'by its owner' })
    this.onMessage(message)
  }

  #resume({ lastSeq, streams }: Extract<ClientMessage, { type: 'session-resume' }>): void {
    this.#resumed = true
    for (const { stream, sent, unsettled } of streams) {
      const counters = this.streams.get(stream)
      if (counters) counters.sent = sent
      this.#settle(
        stream,
        unsettled.filter((frame) => !counters?.pending.has(frame)),
      )
    }
    for (const event of this.log.slice(lastSeq)) this.#text(event)
  }

  #settle(stream: number, frames: number[]): void {
    const ranges = frames.map((frame) => ({ from: frame, to: frame, outcome: 'dropped' as const, reason: 'unavailable' as const }))
    if (ranges.length > 0) this.say({ type: 'frames-settled', stream, ranges })
  }
}

/** Lets everything that is due happen. */
export async function settle(rounds = 20): Promise<void> {
  for (let round = 0; round < rounds; round++) await new Promise((resolve) => setTimeout(resolve, 0))
}
