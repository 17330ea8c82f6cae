import { DEFAULT_LIMITS, KIND, toProtocolError } from '@fovea/protocol'
import type { Limits, SessionEvent, SessionResume, SessionState, StreamBody, UnnumberedEvent } from '@fovea/protocol'
import type { SessionRow, SessionStore } from '../store/session-store.ts'
import { Asks } from './asks.ts'
import { hearBackend } from './backend-messages.ts'
import { Backing } from './backing.ts'
import type { ClientLink } from './client-link.ts'
import { hearClient } from './client-messages.ts'
import { Clients } from './clients.ts'
import type { SessionContext } from './context.ts'
import { Deadlines } from './deadlines.ts'
import { describeReady, describeReset } from './describe.ts'
import { EdgeVisionSession } from './edge-vision-session.ts'
import { EventLog } from './event-log.ts'
import type { Logged } from './event-log.ts'
import { FramePath } from './frame-path.ts'
import { Pictures } from './pictures.ts'
import { hostOf } from './runs.ts'
import type { Runs } from './runs.ts'
import type { SessionOptions } from './session-options.ts'
import type { SessionSocket } from './socket.ts'
import { Standing } from './standing.ts'
import { Streams } from './streams.ts'
import { Upkeep } from './upkeep.ts'
import { UsageCount } from './usage-count.ts'

/** A client that says nothing for so long never was one [WI5]. */
const RESUME_MS = 10_000

/**
 * One session: its parts, and what moves between them. Plain TypeScript; what is durable is in the store, what is counted per frame
 * rides in the sockets' attachments, and a new Session over the same store and sockets goes on where the old one was [EP5].
 */
export class Session {
  readonly row: SessionRow
  readonly limits: Limits
  readonly now: () => number
  readonly context: SessionContext
  readonly deadlines: Deadlines
  readonly upkeep: Upkeep
  readonly log: EventLog
  readonly clients: Clients
  readonly asks: Asks
  readonly standing: Standing
  readonly streams: Streams
  readonly backing: Backing
  readonly pictures: Pictures
  readonly frames: FramePath
  readonly vision: EdgeVisionSession
  readonly runs: Runs[]
  readonly #store: SessionStore
  readonly #usage: UsageCount
  readonly #ended: () => void
  readonly #listeners = new Set<(event: SessionEvent) => void>()
  #told: SessionState

  constructor({ row, store, sockets, now, alarm, pool, background, usage, ended, limits = DEFAULT_LIMITS, runs = [] }: SessionOptions) {
    this.row = row
    this.limits = limits
    this.#store = store
    this.now = now
    this.deadlines = new Deadlines(store, alarm)
    this.upkeep = new Upkeep(this)
    this.#usage = new UsageCount(now(), usage)
    this.#ended = ended
    this.log = new EventLog({ store, limits, now, written: (logged) => this.#publish(logged) })
    this.clients = new Clients(sockets, now)
    this.context = this.#share()
    this.streams = new Streams(this.context, { carried: this.clients.owner?.attachment.streams, tell: (message) => this.clients.tell(message) })
    this.asks = new Asks(this.context, { streamIsOpen: (stream) => this.streams.open.has(stream), used: (ask) => this.#usage.addAsk(ask) })
    this.standing = new Standing(this.context)
    this.backing = new Backing(
      {
        row,
        store,
        limits,
        now,
        pool,
        background,
        deadlines: this.deadlines,
        streams: this.streams,
        asks: this.asks,
        standing: this.standing,
        needed: () => this.needsBackend,
        changed: (because) => {
          this.#tellState(because)
          // A backend that was fetched over HTTP has no client whose leaving would give it back.
          if (row.phase === 'live' && this.clients.size === 0) this.upkeep.watchIdle()
        },
        // A second session-ready on the same socket: the first one had no model to name.
        modelChanged: () => {
          for (const link of this.clients) if (link.attachment.resumed) link.say(describeReady(this, link.attachment.role))
        },
        counted: () => this.#saveCounters(),
      },
      sockets,
    )
    this.pictures = new Pictures(this.context, (tag) => this.clients.tagged(tag))
    this.frames = new FramePath({
      limits,
      now,
      streams: this.streams,
      clients: this.clients,
      state: () => this.state,
      backend: () => this.backing.link,
      pending: () => this.upkeep.watchPending(),
      flooded: (link, reason) => this.hangUp(link, 'rate', reason),
    })
    this.vision = new EdgeVisionSession(this)
    this.runs = runs.map((make) => make(hostOf(this)))
    this.#told = this.state
    // What a sleep or a crash has left: frames whose bytes are gone, a backend whose socket is.
    this.streams.settleLostFrames({ attached: this.backing.link?.attached ?? false })
    this.#saveCounters()
    this.backing.findMissing()
    for (const run of this.runs) run.resume()
  }

  get state(): SessionState {
    return this.row.phase === 'live' && !this.clients.owner ? 'paused' : this.row.phase
  }

  /** Every event from now on, until the returned function is called. */
  listen(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A client's socket has been accepted. */
  connect(socket: SessionSocket, role: 'owner' | 'viewer'): void {
    const link = this.clients.add(socket, role)
    this.#saveCounters()
    link.save()
    link.say(describeReady(this, role))
    if (this.row.phase === 'ended') return this.hangUp(link, 'ended', 'this session has ended')
    this.deadlines.set('resume', String(link.attachment.tag), this.now() + RESUME_MS)
    this.upkeep.stopWatchingIdle()
    if (role === 'owner') this.#tellState('the owner has connected')
  }

  /** Bytes or text from any socket of this session. Whatever comes, this does not throw. */
  message(socket: SessionSocket, data: string | ArrayBuffer): void {
    const client = this.clients.at(socket)
    if (client) return client.closed ? undefined : hearClient(this, client, data)
    const backend = this.backing.link
    if (!backend || backend.socket !== socket) return
    backend.heardAt = this.now()
    try {
      if (typeof data === 'string') hearBackend(this, backend, data)
      else if (new Uint8Array(data)[2] === KIND.picture) this.pictures.arrived(data)
      else this.frames.verdict(backend, data)
      if (this.log.waiting) this.log.flush()
    } catch (error) {
      this.context.refuseOwner(toProtocolError(error))
    }
  }

  closed(socket: SessionSocket): void {
    const client = this.clients.at(socket)
    if (client) return this.#left(client)
    if (this.backing.link?.socket === socket) this.backing.lose('its connection closed')
  }

  /** A reader is here and says where it stands [EV2]. */
  resume(link: ClientLink, { lastSeq, streams }: Pick<SessionResume, 'lastSeq' | 'streams'>): void {
    link.attachment.resumed = true
    this.deadlines.clear('resume', String(link.attachment.tag))
    if (link === this.clients.owner) for (const { stream, sent, unsettled } of streams) this.streams.resume(link, stream, sent, unsettled)
    const late = link.attachment.role === 'viewer' && lastSeq === 0 && this.log.last > 0
    if (late) link.say(describeReset(this, this.#store))
    else if (lastSeq !== this.log.last) link.attachment.cursor = lastSeq
    this.pump(link)
    if (link !== this.clients.owner) return
    for (const stream of this.streams.open.values()) this.streams.tellWindow(stream)
    if (this.streams.open.size > 0) this.backing.wake('the owner is back')
  }

  /** A reader may have room again: it gets what waits for it. */
  pump(link: ClientLink): void {
    link.pump(this.log, () => describeReset(this, this.#store))
  }

  openStream(body: StreamBody): void {
    // A backend that is told twice would begin the stream anew.
    const fresh = this.streams.start(body)
    this.#saveCounters()
    if (!fresh || !this.backing.say({ type: 'stream-open', ...body })) this.backing.wake('a stream was opened')
  }

  /** What stands on the stream ends with it. */
  closeStream(stream: number): void {
    this.streams.get(stream)
    this.standing.endAll('its stream was closed', undefined, stream)
    this.streams.close(stream, 'closed by the client')
    this.frames.forget(stream)
    this.backing.say({ type: 'stream-close', stream })
    this.#saveCounters()
  }

  pauseStream(stream: number, paused: boolean): void {
    this.streams.pause(stream, paused)
    this.backing.say({ type: 'stream-pause', stream, paused })
    this.#saveCounters()
  }

  /** The session is over, for good. */
  end(because: string): void {
    if (this.row.phase === 'ended') return
    for (const run of this.runs) run.end(because)
    this.asks.cancelAll()
    this.standing.endAll(because)
    for (const stream of this.streams.open.keys()) this.streams.close(stream, because)
    this.#told = 'ended'
    this.backing.giveBack(because, 'ended')
    this.#record({ type: 'session-ended', because })
    this.#usage.flush(this.frames.takeSeenCount())
    this.#ended()
    this.upkeep.watchEnded()
    for (const link of this.clients) {
      this.pump(link)
      link.close('ended', because)
    }
  }

  /** Tells the catalogue what was used, once a minute. */
  tellUsage(now: number): void {
    if (this.#usage.due(now)) this.#usage.flush(this.frames.takeSeenCount())
  }

  /** Closes a client's socket and settles what it leaves behind. */
  hangUp(link: ClientLink, code: Parameters<ClientLink['close']>[0], reason: string): void {
    link.close(code, reason)
    this.#left(link)
  }

  get needsBackend(): boolean {
    return this.asks.running > 0 || this.runs.some((run) => run.busy) || (this.clients.owner !== undefined && this.streams.open.size > 0)
  }

  #left(link: ClientLink): void {
    const wasOwner = link === this.clients.owner
    if (!this.clients.remove(link)) return
    if (wasOwner) {
      this.streams.keep()
      this.#usage.flush(this.frames.takeSeenCount())
      this.#tellState('the owner’s connection closed')
    }
    if (this.clients.size === 0 && this.row.phase !== 'ended') this.upkeep.watchIdle()
  }

  #share(): SessionContext {
    return {
      id: this.row.id,
      limits: this.limits,
      store: this.#store,
      log: this.log,
      deadlines: this.deadlines,
      now: this.now,
      state: () => this.state,
      emit: (event, alongside) => this.log.append(event, alongside),
      record: (event, alongside) => this.#record(event, alongside),
      toBackend: (message) => {
        if (!this.backing.say(message)) return false
        if (message.type === 'ask-start') this.upkeep.watchPending()
        return true
      },
      wake: (because) => this.backing.wake(because),
      refuseOwner: (error, of) => this.clients.owner?.say({ type: 'error', ...error.body(), ...(of !== undefined && { of }) }),
    }
  }

  /** With an owner the counters ride in its attachment, without one they stand in the store [SE5]. */
  #saveCounters(): void {
    const { owner } = this.clients
    if (!owner) return this.streams.keep()
    owner.attachment.streams = this.streams.counters()
    owner.save()
  }

  #record(event: UnnumberedEvent, alongside?: () => void): void {
    const problem = this.log.keep(event, alongside)
    if (problem === undefined) return
    this.context.refuseOwner(toProtocolError(problem))
    if (this.log.waiting) this.upkeep.watchPending()
  }

  #publish(logged: Logged): void {
    this.clients.publish(logged)
    if (this.clients.slow) this.upkeep.watchPending()
    for (const listener of this.#listeners) listener(logged.event)
  }

  #tellState(because: string): void {
    const { state } = this
    if (state === this.#told) return
    this.#told = state
    this.#record({ type: 'session-state', state, epoch: this.row.epoch, because: because.slice(0, 300) }, () => this.#store.saveSession(this.row))
  }
}
