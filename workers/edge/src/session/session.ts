import { DEFAULT_LIMITS, DEFAULT_WINDOW, KIND, ProtocolError, toProtocolError } from '@fovea/protocol'
import type { HeadPartial, Limits, ModelInfo, SessionEvent, SessionResume, SessionState, StreamBody, TransientMessage, UnnumberedEvent } from '@fovea/protocol'
import type { SessionRow, SessionStore } from '../store/session-store.ts'
import { Asks } from './asks.ts'
import { BackendLink } from './backend-link.ts'
import { hearBackend } from './backend-messages.ts'
import { ClientLink } from './client-link.ts'
import { hearClient } from './client-messages.ts'
import type { SessionContext } from './context.ts'
import { Deadlines } from './deadlines.ts'
import type { Alarm } from './deadlines.ts'
import { EdgeVisionSession } from './edge-vision-session.ts'
import { EventLog } from './event-log.ts'
import type { Logged } from './event-log.ts'
import { FramePath } from './frame-path.ts'
import { Lease } from './lease.ts'
import type { LeasePort } from './lease.ts'
import { Pictures } from './pictures.ts'
import type { RunHost, RunMessage, Runs } from './runs.ts'
import type { RunEnded } from './run-to-end.ts'
import { describeReady, describeReset } from './describe.ts'
import type { Attachment, SessionSocket } from './socket.ts'
import { Standing } from './standing.ts'
import { Streams } from './streams.ts'
import { UsageCount } from './usage-count.ts'
import type { UsageDelta } from './usage-count.ts'

/** A client that says nothing for so long never was one [WI5]. */
const RESUME_MS = 10_000
/** How often pending work is looked at, and for how long a backend may be silent meanwhile. */
const PENDING_MS = 3000
const SILENT_MS = 8000
/** Without a client and without work, the backend is given back after this. */
const IDLE_MS = 60_000
/** No backend may ask for a larger window than the attachment holds. */
const MAX_WINDOW = 64
const ENDED_ASKS_TOLD = 20

/** What a session needs of the platform. */
export type SessionOptions = {
  row: SessionRow
  store: SessionStore
  /** sockets that outlived the sleep of this object */
  sockets: Iterable<SessionSocket>
  now: () => number
  alarm: Alarm
  pool: LeasePort
  background: (work: Promise<unknown>) => void
  usage: (delta: UsageDelta) => void
  limits?: Limits
  runs?: readonly ((host: RunHost) => Runs)[]
}

/**
 * One session: its state, and the transitions between states [SE3]. Plain TypeScript; what is durable is in the store, what is
 * counted per frame rides in the sockets' attachments, and a new Session over the same store and sockets goes on where the old one was [EP5].
 */
export class Session {
  readonly row: SessionRow
  readonly limits: Limits
  readonly log: EventLog
  readonly asks: Asks
  readonly standing: Standing
  readonly streams: Streams
  readonly pictures: Pictures
  readonly frames: FramePath
  readonly vision: EdgeVisionSession
  readonly runs: Runs[]
  readonly #options: SessionOptions
  readonly #deadlines: Deadlines
  readonly #context: SessionContext
  readonly #lease: Lease
  readonly #usage: UsageCount
  readonly #clients = new Map<SessionSocket, ClientLink>()
  readonly #listeners = new Set<(event: SessionEvent) => void>()
  #owner: ClientLink | undefined
  #backend: BackendLink | undefined
  #told: SessionState
  #pendingWatched: boolean
  #tags = 0

  constructor(options: SessionOptions) {
    const { row, store, now, limits = DEFAULT_LIMITS } = options
    this.#options = options
    this.row = row
    this.limits = limits
    this.#takeUpSockets(options.sockets)
    this.#deadlines = new Deadlines(store, options.alarm)
    this.log = new EventLog({ store, limits, now, written: (logged) => this.#publish(logged) })
    this.#usage = new UsageCount(now(), options.usage)
    this.#context = {
      id: row.id,
      limits,
      store,
      log: this.log,
      deadlines: this.#deadlines,
      now,
      state: () => this.state,
      emit: (event, alongside) => this.log.append(event, alongside),
      record: (event, alongside) => this.#record(event, alongside),
      toBackend: (message) => {
        if (!this.#backend?.attached) return false
        this.#backend.say(message)
        if (message.type === 'ask-start') this.#watchPending()
        return true
      },
      wake: (because) => this.#wake(because),
      refuseOwner: (error, of) => this.#owner?.say({ type: 'error', ...error.body(), ...(of !== undefined && { of }) }),
    }
    this.#lease = new Lease({
      row,
      store,
      now,
      deadlines: this.#deadlines,
      pool: options.pool,
      events: { failed: (because) => this.#degrade(because), background: options.background },
    })
    this.streams = new Streams(this.#context, { carried: this.#owner?.attachment.streams, tell: (message) => this.#tell(message) })
    this.asks = new Asks(this.#context, { streamIsOpen: (stream) => this.streams.open.has(stream), used: (usage) => this.#usage.addAsk(usage) })
    this.standing = new Standing(this.#context)
    this.pictures = new Pictures({
      toBackend: this.#context.toBackend,
      client: (tag) => [...this.#clients.values()].find((link) => link.attachment.tag === tag),
    })
    this.frames = new FramePath({
      limits,
      now,
      streams: this.streams,
      state: () => this.state,
      backend: () => this.#backend,
      owner: () => this.#owner,
      viewers: () => this.#viewers(),
      pending: () => this.#watchPending(),
    })
    this.vision = new EdgeVisionSession(this)
    const host: RunHost = {
      context: this.#context,
      vision: this.vision,
      listen: (listener) => this.listen(listener),
      background: (work) => options.background(work.catch((error: unknown) => this.#context.refuseOwner(toProtocolError(error)))),
      wakeAt: (run, due) => this.#deadlines.set('run', run, due),
    }
    this.runs = (options.runs ?? []).map((make) => make(host))
    this.#told = this.state
    this.#pendingWatched = store.deadlines().some((one) => one.kind === 'pending')
    this.#wakeUp()
  }

  get state(): SessionState {
    return this.row.phase === 'live' && !this.#owner ? 'paused' : this.row.phase
  }

  /** Every event from now on, until the returned function is called. */
  listen(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A client's socket has been accepted. A second owner takes the first one's place [SE2]. */
  connect(socket: SessionSocket, role: 'owner' | 'viewer'): void {
    const link = new ClientLink(
      socket,
      { kind: 'client', role, tag: ++this.#tags, resumed: false, cursor: -1, streams: [] },
      { now: this.#options.now, woken: false },
    )
    this.#clients.set(socket, link)
    if (role === 'owner') {
      const before = this.#owner
      this.#owner = link
      link.attachment.streams = this.streams.counters()
      before?.close('replaced', 'another owner has connected')
    }
    link.save()
    link.say(describeReady(this, role))
    if (this.row.phase === 'ended') return link.close('ended', 'this session has ended')
    this.#deadlines.set('resume', String(link.attachment.tag), this.#options.now() + RESUME_MS)
    this.#deadlines.clear('idle')
    if (role === 'owner') this.#tellState('the owner has connected')
  }

  /** A backend has dialled in. False where its assignment is not the current one: it is fenced [EP1]. */
  attach(socket: SessionSocket, assignment: { backend: string; epoch: number }): boolean {
    if (this.row.phase !== 'attaching' || assignment.epoch !== this.row.epoch || this.#backend) return false
    const link = new BackendLink(socket, { kind: 'backend', name: assignment.backend, epoch: assignment.epoch, attached: false }, this.#options.now())
    this.#backend = link
    link.save()
    link.say({
      type: 'session-open',
      session: this.row.id,
      epoch: this.row.epoch,
      limits: this.limits,
      streams: Array.from(this.streams.open.values(), (stream) => stream.body),
      watches: [...this.standing.watches.values()],
      tracks: Array.from(this.standing.tracks.values(), ({ track, stream, prompt }) => ({ track, stream, prompt })),
      transcript: this.#options.store
        .endedAsks(ENDED_ASKS_TOLD)
        .flatMap(({ body, outcome }) => (outcome?.finish === 'stop' ? [{ text: body.text, answer: outcome.text }] : [])),
    })
    return true
  }

  /** The backend is ready: what was held goes first, in order, then the asks. */
  attached(link: BackendLink, { window, model }: { window: number; model: ModelInfo }): void {
    if (link !== this.#backend || link.attached) return
    link.attachment.attached = true
    link.save()
    const fresh = this.row.model?.hash !== model.hash
    this.row.phase = 'live'
    this.row.model = model
    this.#lease.won(link.attachment.name)
    this.#options.store.saveSession(this.row)
    for (const stream of this.streams.open.values()) if (stream.paused) link.say({ type: 'stream-pause', stream: stream.body.stream, paused: true })
    for (const frame of this.streams.release()) link.frame(frame)
    this.asks.handOver()
    this.streams.setWindow(Math.min(window, MAX_WINDOW))
    this.#owner?.save()
    // Who connected before a model was there learns which one it is: a second session-ready.
    if (fresh) for (const client of this.#clients.values()) if (client.attachment.resumed) client.say(describeReady(this, client.attachment.role))
    this.#tellState(`backend ${link.attachment.name} is attached`)
  }

  /** Bytes or text from any socket of this session. Whatever comes, this does not throw. */
  message(socket: SessionSocket, data: string | ArrayBuffer): void {
    const client = this.#clients.get(socket)
    if (client) return client.closed ? undefined : hearClient(this, client, data)
    const backend = this.#backend
    if (!backend || backend.socket !== socket) return
    backend.heardAt = this.#options.now()
    try {
      if (typeof data === 'string') hearBackend(this, backend, data)
      else if (new Uint8Array(data, 0, Math.min(3, data.byteLength))[2] === KIND.picture) this.pictures.arrived(data)
      else this.frames.verdict(backend, data)
      if (this.log.waiting) this.log.flush()
    } catch (error) {
      this.#context.refuseOwner(toProtocolError(error))
    }
  }

  closed(socket: SessionSocket): void {
    const client = this.#clients.get(socket)
    if (client) return this.#clientGone(client)
    if (this.#backend?.socket === socket) this.lose('the backend’s connection closed')
  }

  /** The backend is gone: what it had is settled, and another one is sought [SE3]. */
  lose(because: string): void {
    const backend = this.#backend
    if (!backend) return
    this.#backend = undefined
    backend.close('fenced', because)
    this.row.failed = backend.attachment.name
    this.row.backend = null
    const error = new ProtocolError('unavailable', `The backend was lost: ${because}. Ask again.`, { retryable: true })
    for (const stream of this.streams.open.values()) this.streams.settle(stream, 'unavailable', (one) => !one.held)
    this.asks.endAll(error, 'sent')
    this.standing.endAll(because, error.body())
    this.#saveCounters()
    if (this.row.phase === 'ended') return
    this.row.phase = this.#needsBackend ? 'attaching' : 'idle'
    if (this.row.phase === 'attaching') this.#lease.begin()
    else this.#giveBack()
    this.#tellState(because)
  }

  /** The pool says that the lease of this epoch came to nothing. */
  leaseRefused(epoch: number, because: string): void {
    this.#lease.missed(epoch, because)
  }

  /** The pool says that a backend is there. */
  backendAvailable(): void {
    if (this.row.phase === 'attaching') return this.#lease.again()
    if (this.row.phase !== 'degraded') return
    this.row.phase = this.#needsBackend ? 'attaching' : 'idle'
    this.streams.setWindow(DEFAULT_WINDOW)
    this.#owner?.save()
    if (this.row.phase === 'attaching') this.#lease.begin()
    this.#tellState('a backend is there')
  }

  /** The session is over, for good. */
  end(because: string): void {
    if (this.row.phase === 'ended') return
    for (const run of this.runs) run.end(because)
    this.asks.cancelAll()
    this.standing.endAll(because)
    for (const stream of this.streams.open.keys()) this.streams.close(stream, because)
    this.row.phase = 'ended'
    this.#options.store.saveSession(this.row)
    this.#record({ type: 'session-ended', because })
    this.#backend?.say({ type: 'session-close', because })
    this.#backend?.close('ended', because)
    this.#backend = undefined
    this.#giveBack()
    this.#usage.flush(this.frames.takeSeenCount())
    for (const link of this.#clients.values()) {
      link.pump(this.log)
      link.close('ended', because)
    }
  }

  alarm(): void {
    const now = this.#options.now()
    for (const { kind, key } of this.#deadlines.take(now)) {
      try {
        this.#deadline(kind, key)
      } catch (error) {
        this.#context.refuseOwner(toProtocolError(error))
        this.#deadlines.set(kind, key, now + 1000)
      }
    }
    this.#deadlines.rearm()
  }

  openStream(body: StreamBody): void {
    this.streams.start(body)
    if (this.#owner) this.#owner.attachment.streams = this.streams.counters()
    this.#saveCounters()
    if (!this.#context.toBackend({ type: 'stream-open', ...body })) this.#wake('a stream was opened')
  }

  /** What stands on the stream ends with it. */
  closeStream(stream: number): void {
    this.streams.get(stream)
    this.standing.endAll('its stream was closed', undefined, stream)
    this.streams.close(stream, 'closed by the client')
    this.#context.toBackend({ type: 'stream-close', stream })
    if (this.#owner) this.#owner.attachment.streams = this.streams.counters()
    this.#saveCounters()
  }

  pauseStream(stream: number, paused: boolean): void {
    this.streams.pause(stream, paused)
    this.#context.toBackend({ type: 'stream-pause', stream, paused })
    this.#saveCounters()
  }

  /** A retained frame, or evidence drawn over it. Waits for the backend at most `patience` milliseconds. */
  picture(about: { stream: number; frame: number; evidence?: string }, patience: number): Promise<ArrayBuffer> {
    return this.pictures.fetch(about, (request) => this.#deadlines.set('picture', request, this.#options.now() + patience))
  }

  run(message: RunMessage): void {
    if (this.row.phase === 'ended') throw new ProtocolError('conflict', 'This session has ended. Open a new one.')
    if (this.runs.some((one) => one.handle(message))) return
    throw new ProtocolError('unsupported', `This edge does not run ${message.type.startsWith('turn') ? 'turns' : 'workflows'}.`)
  }

  /** How a turn or workflow run ended; undefined while it goes on. */
  runOutcome(id: string): RunEnded | undefined {
    const outcome = this.#options.store.run(id)?.outcome
    return outcome?.type === 'turn-ended' || outcome?.type === 'workflow-ended' ? outcome : undefined
  }

  /** A result while it is refined: for those who keep up, and never logged [AS2]. */
  tellPartial(partial: HeadPartial): void {
    const json = JSON.stringify(partial)
    for (const link of this.#clients.values()) if (link.attachment.resumed && !link.slow) link.text(json)
  }

  /** A reader is here and says where it stands [EV2]. */
  resume(link: ClientLink, { lastSeq, streams }: Pick<SessionResume, 'lastSeq' | 'streams'>): void {
    link.attachment.resumed = true
    this.#deadlines.clear('resume', String(link.attachment.tag))
    if (link === this.#owner) {
      for (const { stream: number, sent, unsettled } of streams) {
        const stream = this.streams.open.get(number)
        if (stream) this.streams.tellSettled(stream, stream.gate.resume(sent, unsettled))
        else if (unsettled.length > 0)
          link.say({
            type: 'frames-settled',
            stream: number,
            ranges: unsettled.map((frame) => ({ from: frame, to: frame, outcome: 'dropped', reason: 'unavailable' })),
          })
      }
    }
    const late = link.attachment.role === 'viewer' && lastSeq === 0
    if ((late && this.log.last > 0) || !this.log.reaches(lastSeq)) link.say(describeReset(this, this.#options.store))
    else if (lastSeq < this.log.last) link.attachment.cursor = lastSeq
    link.pump(this.log)
    if (link.isOwner) {
      for (const stream of this.streams.open.values()) this.streams.tellWindow(stream)
      if (this.streams.open.size > 0) this.#wake('the owner is back')
    }
  }

  /** How to hang up on a socket and settle what it leaves behind. */
  hangUp(link: ClientLink, code: Parameters<ClientLink['close']>[0], reason: string): void {
    link.close(code, reason)
    this.#clientGone(link)
  }

  #takeUpSockets(sockets: Iterable<SessionSocket>): void {
    const { now } = this.#options
    for (const socket of sockets) {
      const attachment: Attachment | null = socket.deserializeAttachment()
      if (attachment?.kind === 'backend') {
        if (attachment.epoch === this.row.epoch) this.#backend = new BackendLink(socket, attachment, now())
      } else if (attachment) {
        const link = new ClientLink(socket, attachment, { now, woken: true })
        this.#clients.set(socket, link)
        this.#tags = Math.max(this.#tags, attachment.tag)
        if (link.isOwner && attachment.tag >= (this.#owner?.attachment.tag ?? 0)) this.#owner = link
      }
    }
  }

  /** Mends what a sleep or a crash has left: frames whose bytes are gone, a backend whose socket is. */
  #wakeUp(): void {
    this.streams.settleLostFrames()
    if (this.#owner) this.#owner.attachment.streams = this.streams.counters()
    this.#saveCounters()
    if (this.row.phase === 'live' && !this.#backend) {
      this.row.phase = 'attaching'
      const error = new ProtocolError('unavailable', 'The connection to the backend was lost. Ask again.', { retryable: true })
      for (const stream of this.streams.open.values()) this.streams.settle(stream, 'unavailable')
      this.asks.endAll(error, 'sent')
      this.standing.endAll('the backend’s connection was lost', error.body())
      this.#saveCounters()
      this.#lease.begin()
    }
    for (const run of this.runs) run.resume()
  }

  /** No lease after all tries: what waited is told so, and new frames and asks are refused until a backend says `hello` [SE3]. */
  #degrade(because: string): void {
    this.row.phase = 'degraded'
    this.#options.store.saveSession(this.row)
    const error = new ProtocolError('unavailable', `No backend could be had: ${because}. Ask again in a few seconds.`, { retryable: true, retryAfterMs: 3000 })
    for (const stream of this.streams.open.values()) this.streams.settle(stream, 'unavailable')
    this.asks.endAll(error, 'all')
    this.standing.endAll('no backend could be had', error.body())
    this.streams.setWindow(0)
    this.#saveCounters()
    this.#tellState(because)
  }

  #wake(because: string): void {
    if (this.row.phase !== 'idle') return
    this.row.phase = 'attaching'
    this.#lease.begin()
    this.#tellState(because)
  }

  #deadline(kind: string, key: string): void {
    switch (kind) {
      case 'resume':
        for (const link of this.#clients.values())
          if (String(link.attachment.tag) === key && !link.attachment.resumed) this.hangUp(link, 'protocol', 'session-resume is the first message; none came')
        return
      case 'assign':
        return this.#lease.missed(this.row.epoch, 'the backend that was told did not dial in')
      case 'lease':
        return this.#lease.rested()
      case 'ask':
      case 'cancel':
        return this.asks.deadline(kind, key)
      case 'pending':
        return this.#lookAtPending()
      case 'idle':
        return this.#rest()
      case 'picture':
        this.pictures.refused(key, new ProtocolError('unavailable', 'The backend did not draw this picture in time. Try again.', { retryable: true }).body())
        return
      case 'run':
        for (const run of this.runs) if (run.deadline(key)) return
        return
      default:
        // A kind of another version of this code: nothing waits for it any more.
        return
    }
  }

  /** Every three seconds while something is pending: is the backend alive, does every reader read? */
  #lookAtPending(): void {
    const now = this.#options.now()
    this.#pendingWatched = false
    for (const link of this.#clients.values()) if (link.stuck) this.hangUp(link, 'overloaded', 'nothing was read for a minute')
    const pending = this.streams.pending || this.asks.sent
    if (pending && this.#backend && now - this.#backend.heardAt > SILENT_MS) this.lose(`the backend said nothing for ${SILENT_MS / 1000} s`)
    if (this.#usage.due(now)) this.#usage.flush(this.frames.takeSeenCount())
    if (pending || this.log.waiting) this.#watchPending()
    if (this.log.waiting) this.log.flush()
    this.log.trimByAge()
  }

  #watchPending(): void {
    if (this.#pendingWatched) return
    this.#deadlines.set('pending', '', this.#options.now() + PENDING_MS)
    this.#pendingWatched = true
  }

  /** Nobody is here and nothing runs: the backend is given back; a returning client gets another. */
  #rest(): void {
    if (this.#clients.size > 0 || this.row.phase === 'ended' || this.row.phase === 'idle') return
    if (this.asks.running > 0 || this.runs.some((run) => run.busy)) return this.#deadlines.set('idle', '', this.#options.now() + IDLE_MS)
    const because = 'no client for a minute'
    this.standing.endAll(because)
    for (const stream of this.streams.open.values()) this.streams.settle(stream, 'unavailable')
    this.streams.keep()
    this.#backend?.say({ type: 'session-close', because })
    this.#backend?.close('normal', because)
    this.#backend = undefined
    this.row.phase = 'idle'
    this.#giveBack()
    this.#tellState(because)
  }

  get #needsBackend(): boolean {
    return this.asks.running > 0 || this.runs.some((run) => run.busy) || (this.#owner !== undefined && this.streams.open.size > 0)
  }

  #giveBack(): void {
    this.row.backend = null
    this.#options.store.saveSession(this.row)
    this.#options.background(this.#options.pool.release(this.row.id))
  }

  #clientGone(link: ClientLink): void {
    if (!this.#clients.delete(link.socket)) return
    if (link === this.#owner) {
      this.#owner = undefined
      this.streams.keep()
      this.#usage.flush(this.frames.takeSeenCount())
      this.#tellState('the owner’s connection closed')
    }
    if (this.#clients.size === 0 && this.row.phase !== 'ended') this.#deadlines.set('idle', '', this.#options.now() + IDLE_MS)
  }

  #saveCounters(): void {
    if (this.#owner) this.#owner.save()
    else this.streams.keep()
  }

  #record(event: UnnumberedEvent, alongside?: () => void): void {
    const problem = this.log.keep(event, alongside)
    if (problem === undefined) return
    this.#watchPending()
    this.#context.refuseOwner(toProtocolError(problem))
  }

  #publish(logged: Logged): void {
    for (const link of this.#clients.values()) link.event(logged)
    for (const listener of this.#listeners) listener(logged.event)
  }

  #tell(message: TransientMessage): void {
    const json = JSON.stringify(message)
    for (const link of this.#clients.values()) {
      if (link.attachment.resumed && (link.isOwner ? link === this.#owner : !link.slow)) link.text(json)
    }
  }

  *#viewers(): Iterable<ClientLink> {
    for (const link of this.#clients.values()) if (!link.isOwner) yield link
  }

  #tellState(because: string): void {
    const { state } = this
    if (state === this.#told) return
    this.#told = state
    this.#record({ type: 'session-state', state, epoch: this.row.epoch, because: because.slice(0, 300) }, () => this.#options.store.saveSession(this.row))
  }
}
