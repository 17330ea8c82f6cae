import { FrameDropped, FrameSeen, ProtocolError, readFrameHeader, readVerdictHeader, stampReceivedAt, VERDICT_HEADER_BYTES } from '@fovea/protocol'
import type { DropReason, Limits, Perception, SessionState } from '@fovea/protocol'
import type { BackendLink } from './backend-link.ts'
import type { ClientLink } from './client-link.ts'
import type { Clients } from './clients.ts'
import { FrameStats } from './frame-stats.ts'
import { RateCount } from './rate-count.ts'
import type { Streams } from './streams.ts'
import { TokenBucket } from './token-bucket.ts'

/** So many frames beyond the window in one second, and the socket closes [FR2]. */
const FLOOD = 50

type Ports = {
  limits: Limits
  streams: Streams
  now(): number
  state(): SessionState
  backend(): BackendLink | undefined
  clients: Clients
  /** a frame or an ask is pending now */
  pending(): void
  /** this client sends far more than it may */
  flooded(link: ClientLink, reason: string): void
}

/** The way of a frame to the backend and of its verdict back: no await, no storage write, no parse of the verdict, no copy of the picture [WI4]. */
export class FramePath {
  readonly #ports: Ports
  readonly #stats = new FrameStats()
  readonly #decoder = new TextDecoder()
  readonly #flood = new RateCount(1000)
  readonly #bytes: TokenBucket
  readonly #latest = new Map<number, string>()
  readonly #listeners = new Set<(seen: FrameSeen) => void>()
  /** frames seen since somebody took the count */
  #seen = 0

  constructor(ports: Ports) {
    this.#ports = ports
    this.#bytes = new TokenBucket(ports.limits.bytesPerSecond, ports.now())
  }

  /** A frame from the owner. Throws where the bytes are no frame of an open stream: then no number is used. */
  frame(link: ClientLink, bytes: ArrayBuffer): void {
    const header = readFrameHeader(bytes)
    if ('problem' in header) throw new ProtocolError('invalid-message', header.problem)
    const ports = this.#ports
    const stream = ports.streams.open.get(header.stream)
    // It was sent before its sender knew that the stream is closed.
    if (ports.streams.isOver(header.stream)) return
    if (!stream) throw new ProtocolError('invalid-message', `Stream ${header.stream} is not open. Open it with stream-open before its first frame.`)
    const now = ports.now()
    const admission = stream.gate.admit(header, bytes.byteLength, now, ports.limits, this.#instead(stream, bytes.byteLength, now))
    if (admission.name === 'refused') return link.say({ type: 'error', ...admission.error.body() })
    if (admission.gap) {
      const { from, to } = admission.gap
      ports.streams.tellSettled(stream, [admission.gap])
      link.say({
        type: 'error',
        code: 'frame-number',
        message: `Frames ${from} to ${to} of stream ${header.stream} never came; they count as unavailable.`,
        retryable: false,
        expected: from,
        got: header.frame,
      })
    }
    if (admission.name === 'drop') {
      this.#tell(JSON.stringify({ type: 'frame-dropped', stream: header.stream, frame: header.frame, reason: admission.reason } satisfies FrameDropped))
      link.save()
      if (admission.beyondWindow && this.#flood.add(now) > FLOOD) ports.flooded(link, `more than ${FLOOD} frames a second beyond the window`)
      return
    }
    stampReceivedAt(bytes, now)
    const backend = ports.backend()
    if (backend?.attached) backend.frame(bytes)
    else {
      stream.held.set(header.frame, bytes)
      const pending = stream.gate.counters.pending.at(-1)
      if (pending) pending.held = true
    }
    link.save()
    ports.pending()
  }

  /** A verdict from the backend. One that nobody waits for any more is dropped. */
  verdict(link: BackendLink, bytes: ArrayBuffer): void {
    const ports = this.#ports
    const header = readVerdictHeader(bytes)
    if ('problem' in header || header.epoch !== link.attachment.epoch) return
    const stream = ports.streams.open.get(header.stream)
    if (!stream) return
    const json = this.#decoder.decode(new Uint8Array(bytes, VERDICT_HEADER_BYTES))
    const pending = stream.gate.settle(header.frame, header.outcome === 'dropped' ? reasonOf(json) : null)
    if (!pending) return
    const now = ports.now()
    this.#tell(json)
    if (header.outcome === 'seen') this.#sawFrame(header.stream, json)
    this.#stats.add(now - pending.at)
    const owner = ports.clients.owner
    if (!owner) return ports.streams.keep()
    if (this.#stats.due(now) && !owner.slow && owner.attachment.resumed) owner.say(this.#stats.message(ports.streams.counters()))
    owner.save()
  }

  /** What the newest verdict said of the things in view. Known while this object stays awake. */
  perceptions(stream: number): Perception[] {
    const json = this.#latest.get(stream)
    if (json === undefined) return []
    const seen = FrameSeen.safeParse(JSON.parse(json))
    return seen.success ? seen.data.perceptions : []
  }

  /** Every seen frame, parsed, until the returned function is called. */
  listen(listener: (seen: FrameSeen) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The stream is closed: nothing is in view there any more. */
  forget(stream: number): void {
    this.#latest.delete(stream)
  }

  takeSeenCount(): number {
    const seen = this.#seen
    this.#seen = 0
    return seen
  }

  #sawFrame(stream: number, json: string): void {
    this.#seen++
    this.#latest.set(stream, json)
    if (this.#listeners.size === 0) return
    const seen = FrameSeen.safeParse(JSON.parse(json))
    if (seen.success) for (const listener of this.#listeners) listener(seen.data)
  }

  #tell(json: string): void {
    const owner = this.#ports.clients.owner
    if (owner?.attachment.resumed) owner.text(json)
    for (const viewer of this.#ports.clients.viewers()) if (viewer.attachment.resumed && !viewer.slow) viewer.text(json)
  }

  #instead(stream: { paused: boolean; rate: TokenBucket | undefined }, bytes: number, now: number): DropReason | null {
    if (stream.paused) return 'paused'
    if (this.#ports.state() === 'degraded') return 'unavailable'
    const allowed = this.#bytes.take(bytes, now) && (stream.rate?.take(1, now) ?? true)
    return allowed ? null : 'budget'
  }
}

/** Why a backend dropped a frame; a verdict that does not say so counts as unavailable. */
function reasonOf(json: string): DropReason {
  try {
    const dropped = FrameDropped.safeParse(JSON.parse(json))
    return dropped.success ? dropped.data.reason : 'unavailable'
  } catch {
    return 'unavailable'
  }
}
