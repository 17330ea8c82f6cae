import { DEFAULT_WINDOW, ProtocolError } from '@fovea/protocol'
import type { Limits, ModelInfo, ToBackend, TrackBody } from '@fovea/protocol'
import type { SessionRow, SessionStore } from '../store/session-store.ts'
import type { Asks } from './asks.ts'
import { BackendLink } from './backend-link.ts'
import { Lease } from './lease.ts'
import type { LeasePort } from './lease.ts'
import type { Deadlines } from './deadlines.ts'
import type { SessionSocket } from './socket.ts'
import type { Standing } from './standing.ts'
import type { Streams } from './streams.ts'

/** No backend may ask for a larger window than the owner's attachment holds. */
const MAX_WINDOW = 64
/** Finished asks that a fresh backend is told of. */
const TRANSCRIPT = 20

type Ports = {
  row: SessionRow
  store: SessionStore
  limits: Limits
  deadlines: Deadlines
  streams: Streams
  asks: Asks
  standing: Standing
  pool: LeasePort
  background: (work: Promise<unknown>) => void
  now: () => number
  /** true while somebody or something waits for what only a backend can give */
  needed: () => boolean
  /** the phase may have changed: clients are told */
  changed: (because: string) => void
  /** another model than before: who connected earlier learns which */
  modelChanged: () => void
  /** counters have changed: they go where they are kept */
  counted: () => void
}

/** The backend of a session: found, attached, lost, given back [SE3] [EP1]. The phase of the session changes here. */
export class Backing {
  readonly #ports: Ports
  readonly #lease: Lease
  #link: BackendLink | undefined

  constructor(ports: Ports, sockets: Iterable<SessionSocket>) {
    this.#ports = ports
    const { row, store, now, deadlines, pool, background } = ports
    this.#lease = new Lease({
      row,
      store,
      now,
      deadlines,
      pool,
      events: { spent: (because) => this.#drop(because), failed: (because) => this.#degrade(because), background },
    })
    for (const socket of sockets) {
      const attachment = socket.deserializeAttachment()
      if (attachment?.kind === 'backend' && attachment.epoch === row.epoch && !attachment.closed) this.#link = new BackendLink(socket, attachment, now())
    }
  }

  get link(): BackendLink | undefined {
    return this.#link
  }

  /** To the backend; false where none can take it now. */
  say(message: ToBackend): boolean {
    const link = this.#link
    if (!link) return false
    if (!link.attached) {
      // It hears in order, from `session-open` on; only what it has to answer waits until it says that it can.
      if (message.type === 'ask-start' || message.type === 'ask-cancel' || message.type === 'picture-get') return false
      if (message.type === 'track-stop' && link.forget(message.track)) return true
      if (message.type === 'track-start' && this.#ports.streams.holds(message.stream, firstFrameOf(message))) {
        link.delay(message.track)
        return true
      }
    }
    link.say(message)
    return true
  }

  /** Something needs a backend: the first lease begins. */
  wake(because: string): void {
    if (this.#ports.row.phase !== 'idle') return
    this.#ports.row.phase = 'attaching'
    this.#lease.begin()
    this.#ports.changed(because)
  }

  /** A backend has dialled in. False where its assignment is not the current one: it is fenced [EP1]. */
  attach(socket: SessionSocket, assignment: { backend: string; epoch: number }): boolean {
    const { row, limits, streams, standing, store, now } = this.#ports
    if (!this.#lease.awaits(assignment.epoch) || this.#link) return false
    const tracks = Array.from(standing.tracks.values(), ({ track, stream, prompt }) => ({ track, stream, prompt }))
    const late = tracks.filter((track) => streams.holds(track.stream, firstFrameOf(track)))
    const link = new BackendLink(
      socket,
      { kind: 'backend', name: assignment.backend, epoch: assignment.epoch, attached: false, late: late.map(({ track }) => track), closed: false },
      now(),
    )
    this.#link = link
    link.save()
    link.say({
      type: 'session-open',
      session: row.id,
      epoch: row.epoch,
      limits,
      streams: Array.from(streams.open.values(), (stream) => stream.body),
      watches: [...standing.watches.values()],
      tracks: tracks.filter((track) => !late.includes(track)),
      transcript: store.endedAsks(TRANSCRIPT).flatMap(({ body, outcome }) => (outcome?.finish === 'stop' ? [{ text: body.text, answer: outcome.text }] : [])),
    })
    return true
  }

  /** The backend is ready: what was held goes first, in order, then the tracks that start from it, then the asks. */
  attached(link: BackendLink, { window, model }: { window: number; model: ModelInfo }): void {
    if (link !== this.#link || link.attached) return
    const { row, store, streams, asks, standing } = this.#ports
    const late = link.attachment.late.flatMap((track) => standing.tracks.get(track) ?? [])
    link.attachment.attached = true
    link.attachment.late = []
    link.save()
    const fresh = row.model?.hash !== model.hash
    row.phase = 'live'
    row.model = model
    this.#lease.won(link.attachment.name)
    store.saveSession(row)
    for (const stream of streams.open.values()) if (stream.paused) link.say({ type: 'stream-pause', stream: stream.body.stream, paused: true })
    const startsThere = (stream: number, frame: number) => late.some((track) => track.stream === stream && firstFrameOf(track) === frame)
    for (const bytes of streams.release(startsThere)) link.frame(bytes)
    for (const { track, stream, prompt } of late) link.say({ type: 'track-start', track, stream, prompt })
    asks.handOver()
    streams.setWindow(Math.min(window, MAX_WINDOW))
    this.#ports.counted()
    if (fresh) this.#ports.modelChanged()
    this.#ports.changed(`backend ${link.attachment.name} is attached`)
  }

  /** The backend is gone: what it had is settled, and another one is sought where it is needed. */
  lose(because: string): void {
    const link = this.#link
    if (!link) return
    this.#drop(because)
    this.#ports.row.failed = link.attachment.name
    // One that never attached had nothing yet: only its lease has come to nothing.
    if (link.attached) this.#lost(because)
    else this.#lease.missed(link.attachment.epoch, because)
  }

  /** The object has woken, and the socket of its backend has not. */
  findMissing(): void {
    if (this.#ports.row.phase === 'live' && !this.#link) this.#lost('the connection to the backend was lost')
  }

  /** The pool says that the lease of this epoch came to nothing. */
  missed(epoch: number, because: string): void {
    this.#lease.missed(epoch, because)
  }

  /** A lease was told to a backend that did not come. */
  missedCurrent(): void {
    this.#lease.missed(this.#ports.row.epoch, 'the backend that was told did not attach in time')
  }

  rested(): void {
    this.#lease.rested()
  }

  /** The pool says that a backend is there. */
  available(): void {
    const { row, streams, needed, changed, counted } = this.#ports
    if (row.phase === 'attaching') return this.#lease.again()
    if (row.phase !== 'degraded') return
    row.phase = needed() ? 'attaching' : 'idle'
    streams.setWindow(DEFAULT_WINDOW)
    counted()
    if (row.phase === 'attaching') this.#lease.begin()
    changed('a backend is there')
  }

  /** Nobody needs it now: it is closed and its place at the pool is free. */
  giveBack(because: string, phase: 'idle' | 'ended'): void {
    const { row, store, pool, background } = this.#ports
    this.#link?.say({ type: 'session-close', because })
    this.#link?.close(phase === 'ended' ? 'ended' : 'normal', because)
    this.#link = undefined
    row.phase = phase
    row.backend = null
    store.saveSession(row)
    background(pool.release(row.id))
    this.#ports.changed(because)
  }

  /** Whoever came is sent away, also one that has dialled in and never said `session-attached`. */
  #drop(because: string): void {
    this.#link?.close('fenced', because)
    this.#link = undefined
  }

  #lost(because: string): void {
    const { row, streams, asks, standing, needed, counted, changed } = this.#ports
    if (row.phase === 'ended') return
    const error = new ProtocolError('unavailable', `The backend was lost: ${because}. Ask again.`, { retryable: true })
    for (const stream of streams.open.values()) streams.settle(stream, 'unavailable', (one) => !one.held)
    // From here on nothing is live: what the ends below tell the backend goes nowhere.
    row.phase = 'attaching'
    asks.endAll(error, 'sent')
    standing.endAll(because, error.body())
    counted()
    if (!needed()) return this.giveBack(because, 'idle')
    row.backend = null
    this.#lease.begin()
    changed(because)
  }

  /** No lease after all tries: what waited is told so, and new frames and asks are refused until a backend says `hello`. */
  #degrade(because: string): void {
    const { row, store, streams, asks, standing, counted, changed } = this.#ports
    row.phase = 'degraded'
    store.saveSession(row)
    const error = new ProtocolError('unavailable', `No backend could be had: ${because}. Ask again in a few seconds.`, { retryable: true, retryAfterMs: 3000 })
    for (const stream of streams.open.values()) streams.settle(stream, 'unavailable')
    asks.endAll(error, 'all')
    standing.endAll('no backend could be had', error.body())
    streams.setWindow(0)
    counted()
    changed(because)
  }
}

/** The frame in which a track is shown its object; none where it starts from a phrase. */
function firstFrameOf({ prompt }: Pick<TrackBody, 'prompt'>): number | undefined {
  return 'frame' in prompt ? prompt.frame : undefined
}
