import { ProtocolError, readFrameHeader } from '@fovea/protocol'
import type { DropReason, FramesSettled, SessionReady, StreamBody, TransientMessage, View } from '@fovea/protocol'
import type { ClientLink } from './client-link.ts'
import type { SessionContext } from './context.ts'
import { FrameGate, newCounters } from './frame-gate.ts'
import type { Range, StreamCounters } from './frame-gate.ts'
import { TokenBucket } from './token-bucket.ts'

/** An open stream: what the client said of it, its counters, and the frames that wait at the edge for a backend. */
export type Stream = {
  body: StreamBody
  paused: boolean
  gate: FrameGate
  rate: TokenBucket | undefined
  held: Map<number, ArrayBuffer>
}

/** The streams of a session. Their counters travel in the owner's attachment and, while there is no owner, stand in the store [SE5]. */
export class Streams {
  readonly open = new Map<number, Stream>()
  readonly #context: SessionContext
  readonly #used = new Set<number>()
  readonly #tell: (message: TransientMessage) => void

  constructor(context: SessionContext, { carried, tell }: { carried: readonly StreamCounters[] | undefined; tell: (message: TransientMessage) => void }) {
    this.#context = context
    this.#tell = tell
    for (const row of context.store.streams()) {
      this.#used.add(row.stream)
      if (row.closed) continue
      const counters = carried?.find((one) => one.stream === row.stream) ?? row.counters ?? newCounters(row.stream)
      const stream = this.#stream(row.body, counters)
      stream.paused = row.paused
      this.open.set(row.stream, stream)
    }
  }

  /** Bytes held here did not survive the eviction, and without a backend nobody has the others: their numbers get their verdict now [SE5]. */
  settleLostFrames({ attached }: { attached: boolean }): void {
    for (const stream of this.open.values()) this.settle(stream, 'unavailable', (one) => one.held || !attached)
  }

  /** Opens a stream; false where it was open before, with the same settings. */
  start(body: StreamBody): boolean {
    const known = this.open.get(body.stream)
    if (known) {
      if (JSON.stringify(known.body) === JSON.stringify(body)) {
        this.tellWindow(known)
        return false
      }
      throw new ProtocolError('id-taken', `Stream ${body.stream} is open with other settings. Close it, or take another number.`, { expected: this.#free() })
    }
    if (this.#used.has(body.stream))
      throw new ProtocolError('id-taken', `Stream ${body.stream} was used before in this session. Take ${this.#free()}.`, {
        expected: this.#free(),
        got: body.stream,
      })
    const { limits } = this.#context
    if (this.open.size >= limits.streams)
      throw new ProtocolError('too-many', `A session has ${limits.streams} streams at most. Close one first.`, { expected: limits.streams })
    this.#context.emit({ type: 'stream-opened', ...body }, () => this.#context.store.addStream(body))
    this.#used.add(body.stream)
    const stream = this.#stream(body, newCounters(body.stream))
    if (this.#context.state() === 'degraded') stream.gate.counters.window = 0
    this.open.set(body.stream, stream)
    this.tellWindow(stream)
    return true
  }

  /** True of a number that was open once: what is still under way for it comes too late. */
  isOver(number: number): boolean {
    return this.#used.has(number) && !this.open.has(number)
  }

  close(number: number, because: string): void {
    const stream = this.get(number)
    this.#context.emit({ type: 'stream-closed', stream: number, because }, () => this.#context.store.saveStream(number, { closed: true, counters: null }))
    this.settle(stream, 'unavailable')
    this.open.delete(number)
  }

  pause(number: number, paused: boolean): void {
    const stream = this.get(number)
    this.#context.store.saveStream(number, { paused })
    stream.paused = paused
    if (paused) this.settle(stream, 'paused', (one) => one.held)
  }

  get(number: number): Stream {
    const stream = this.open.get(number)
    if (!stream) throw new ProtocolError('unknown-stream', `Stream ${number} is not open. Open it with stream-open first.`)
    return stream
  }

  /** Its sender is back and says what it has no verdict for [EV2]. A stream that is closed owes nobody any more. */
  resume(link: ClientLink, number: number, sent: number, unsettled: readonly number[]): void {
    const stream = this.open.get(number)
    if (stream) {
      const ranges = stream.gate.resume(sent, unsettled)
      this.#letGo(stream)
      return this.tellSettled(stream, ranges)
    }
    const ranges = unsettled.map((frame) => ({ from: frame, to: frame, outcome: 'dropped' as const, reason: 'unavailable' as const }))
    if (ranges.length > 0) link.say({ type: 'frames-settled', stream: number, ranges })
  }

  /** Gives pending numbers their verdict, all in one message [FR1]. */
  settle(stream: Stream, reason: DropReason, which?: (one: { n: number; held: boolean }) => boolean): void {
    const ranges = stream.gate.settleAll(reason, which)
    this.#letGo(stream)
    this.tellSettled(stream, ranges)
  }

  tellSettled(stream: Stream, ranges: Range[]): void {
    if (ranges.length === 0) return
    const message: FramesSettled = { type: 'frames-settled', stream: stream.body.stream, ranges }
    this.#tell(message)
  }

  tellWindow(stream: Stream): void {
    this.#tell({ type: 'stream-window', stream: stream.body.stream, window: stream.gate.counters.window })
  }

  /** The same window for every stream; told where it changed. */
  setWindow(window: number): void {
    for (const stream of this.open.values()) if (stream.gate.setWindow(window)) this.tellWindow(stream)
  }

  /** True while the bytes of this frame wait here. */
  holds(number: number, frame: number | undefined): boolean {
    return frame !== undefined && (this.open.get(number)?.held.has(frame) ?? false)
  }

  /** On a fresh backend: `latest` keeps only its newest held frame and those that are wanted, `all` sends them in order [SE3]. Returns what to forward. */
  release(wanted: (stream: number, frame: number) => boolean): ArrayBuffer[] {
    const frames: ArrayBuffer[] = []
    for (const stream of this.open.values()) {
      const newest = Math.max(0, ...stream.held.keys())
      const matters = (frame: number) => frame === newest || keeps(stream.held.get(frame)) || wanted(stream.body.stream, frame)
      if (stream.body.policy === 'latest') this.settle(stream, 'stale', (one) => one.held && !matters(one.n))
      for (const one of stream.gate.counters.pending) {
        const frame = stream.held.get(one.n)
        if (!one.held || !frame) continue
        one.held = false
        frames.push(frame)
      }
      stream.held.clear()
    }
    return frames
  }

  get pending(): boolean {
    for (const stream of this.open.values()) if (stream.gate.counters.pending.length > 0) return true
    return false
  }

  counters(): StreamCounters[] {
    return Array.from(this.open.values(), (stream) => stream.gate.counters)
  }

  /** No owner carries the counters now: one write keeps them [EV2]. */
  keep(): void {
    this.#context.store.atomically(() => {
      for (const stream of this.open.values()) this.#context.store.saveStream(stream.body.stream, { counters: stream.gate.counters })
    })
  }

  describe(): SessionReady['streams'] {
    return Array.from(this.open.values(), ({ body, gate }) => ({
      stream: body.stream,
      policy: body.policy,
      sent: gate.counters.sent,
      window: gate.counters.window,
      maxFrameBytes: this.#context.limits.maxFrameBytes,
      ...(gate.counters.seen && { mediaTime: gate.counters.seen.t }),
    }))
  }

  /** This number and those above it were never used in the session. */
  get next(): number {
    return Math.max(-1, ...this.#used) + 1
  }

  /** The newest seen frame of a stream, or of the first stream that has one. */
  view(number?: number): Omit<View, 'perceptions'> | undefined {
    const stream = number === undefined ? [...this.open.values()].find((one) => one.gate.counters.seen) : this.open.get(number)
    const seen = stream?.gate.counters.seen
    if (!stream || !seen) return undefined
    return { stream: stream.body.stream, frame: seen.n, mediaTime: seen.t, receivedAt: seen.at, ageMs: this.#context.now() - seen.at }
  }

  /** Bytes are held for pending numbers only. */
  #letGo({ held, gate }: Stream): void {
    for (const number of held.keys()) if (!gate.counters.pending.some((one) => one.n === number)) held.delete(number)
  }

  #stream(body: StreamBody, counters: StreamCounters): Stream {
    const { limits } = this.#context
    // A file goes at the pace of its window; only live pictures have a rate of their own.
    const rate = body.policy === 'latest' ? new TokenBucket(Math.min(limits.maxFps, body.maxFps ?? limits.maxFps), this.#context.now()) : undefined
    return { body, paused: false, gate: new FrameGate(counters), rate, held: new Map() }
  }

  #free(): number {
    let number = 0
    while (this.#used.has(number)) number++
    return number
  }
}

/** A frame that its sender wants kept is never stale [FR5]. */
function keeps(frame: ArrayBuffer | undefined): boolean {
  const header = frame && readFrameHeader(frame)
  return header !== undefined && !('problem' in header) && header.keep
}
