import { ProtocolError, readPicture } from '@fovea/protocol'
import type {
  AnswerResult,
  AskEvent,
  AskOptions,
  EdgeMessage,
  ErrorMessage,
  Evidence,
  FollowOptions,
  Limits,
  LookOptions,
  ModelInfo,
  SessionEvent,
} from '@fovea/protocol'
import type { SessionReady, SessionState, StreamPolicy, TrackPrompt, TransientMessage, View, VisionSession, WorkflowGraph } from '@fovea/protocol'
import { AskRun, onlyEvidence } from './ask-run.ts'
import type { AsyncQueue } from './async-queue.ts'
import { Deferred } from './deferred.ts'
import { turnRun, workflowRun } from './edge-run.ts'
import type { EdgeRun, TurnEvent, TurnOutcome, WorkflowEvent, WorkflowOutcome } from './edge-run.ts'
import { FollowedTrack } from './followed-track.ts'
import type { FrameSource } from './frame-source.ts'
import { Link } from './link.ts'
import type { Connection, LinkOptions } from './link.ts'
import { OutStream } from './out-stream.ts'
import type { Result } from './results.ts'
import { Sending } from './sending.ts'
import { streamSubject, subjectOf, Subjects } from './subjects.ts'
import { ulid } from './ulid.ts'
import { Verdicts } from './verdicts.ts'
import { Watch } from './watch.ts'

export type SessionOptions = Pick<LinkOptions, 'ticket' | 'openWire' | 'backoff'> & {
  id: string
  resumeKey: string | undefined
  lastSeq?: number
  findEvidence: (id: string) => Promise<Evidence | undefined>
}

export type WatchOptions = { task?: 'region' | 'mask'; stream?: number; everyMs?: number; minScore?: number; id?: string; signal?: AbortSignal }
type Listeners = { message: (message: EdgeMessage) => void; connection: (connection: Connection) => void }

const CLOSE_WAIT_MS = 2000
const EVIDENCE_KEPT = 1000

/** A live session: pictures in, words and measurements out. It keeps itself connected; everything waits through a lost connection. */
export class Session implements VisionSession, AsyncDisposable {
  readonly id: string
  /** opens this session again from another program; keep it secret */
  readonly resumeKey: string | undefined
  readonly #options: SessionOptions
  readonly #link: Link
  readonly #verdicts: Verdicts
  readonly #subjects = new Subjects()
  readonly #watches = new Map<string, Watch>()
  readonly #tracks = new Map<string, FollowedTrack>()
  readonly #evidence = new Map<string, Evidence>()
  readonly #pictures = new Map<string, (picture: Uint8Array) => void>()
  readonly #listeners: { [Name in keyof Listeners]: Set<Listeners[Name]> } = { message: new Set(), connection: new Set() }
  readonly #ready = new Deferred<void>()
  readonly #ended = new Deferred<void>()
  #hello: SessionReady | undefined
  #state: SessionState = 'idle'
  #connection: Connection = { state: 'connecting' }
  #lastStream: number | undefined
  #closed: Error | undefined

  constructor(options: SessionOptions) {
    this.id = options.id
    this.resumeKey = options.resumeKey
    this.#options = options
    this.#verdicts = new Verdicts({
      send: (bytes) => this.#link.sendFrame(bytes),
      onPerception: (perception, seen, captureAgeMs) => {
        const { stream, frame, mediaTime } = seen
        if (perception.watch) this.#watches.get(perception.watch)?.update({ watch: perception.watch, stream, frame, mediaTime, captureAgeMs, perception })
        if (perception.track)
          this.#tracks.get(perception.track)?.update({ track: perception.track, life: perception.life ?? 'confirmed', stream, frame, mediaTime, perception })
      },
    })
    this.#link = new Link({
      ticket: options.ticket,
      openWire: options.openWire,
      lastSeq: options.lastSeq ?? 0,
      ...(options.backoff && { backoff: options.backoff }),
      streams: () => Array.from(this.#verdicts.mailboxes, ({ stream, sent, unsettled }) => ({ stream, sent, unsettled })),
      onReady: (ready) => this.#greet(ready),
      onResumed: () => {
        for (const mailbox of this.#verdicts.mailboxes) mailbox.pump()
        this.#ready.resolve()
      },
      onEvent: (event) => this.#hear(event),
      onTransient: (message) => this.#note(message),
      onBinary: (bytes) => this.#takePicture(bytes),
      onConnection: (connection, final) => {
        this.#connection = connection
        if (final) this.#finish(final)
        for (const listener of this.#listeners.connection) listener(connection)
      },
    })
  }

  /** Resolves when the edge has answered for the first time; rejects when it will not. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get state(): SessionState {
    return this.#state
  }

  get connection(): Connection {
    return this.#connection
  }

  /** Which model sees; undefined until one has attached. */
  get model(): ModelInfo | undefined {
    return this.#hello?.model
  }

  get limits(): Limits | undefined {
    return this.#hello?.limits
  }

  /** The last event this program has read: with `resumeKey`, the place to resume from. */
  get lastSeq(): number {
    return this.#link.lastSeq
  }

  /** Every message of the edge, or every change of the connection. Returns what stops it. */
  on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void {
    this.#listeners[name].add(listener)
    return () => void this.#listeners[name].delete(listener)
  }

  /** Sends a source: a camera, a file, a folder. `await session.send(source).done` waits until all of it has its verdicts. */
  send(source: FrameSource, { signal, ...options }: { name?: string; stream?: number; signal?: AbortSignal } = {}): Sending {
    const out = this.openStream({ policy: source.policy, ...(source.name && { name: source.name }), ...options })
    return new Sending(source, out, () => this.model?.imageSize, signal)
  }

  /** A stream that you put frames into yourself. `stream` of a resumed session takes that stream up again. */
  openStream({ policy = 'latest', name, stream, maxFps }: { policy?: StreamPolicy; name?: string; stream?: number; maxFps?: number } = {}): OutStream {
    this.#assertOpen()
    const standing = stream === undefined ? undefined : this.#verdicts.mailbox(stream)
    const mailbox = standing ?? this.#verdicts.open(stream ?? this.#verdicts.freeNumber(), policy)
    const number = mailbox.stream
    this.#lastStream = number
    const subject = streamSubject(number)
    const out = new OutStream(mailbox, () => this.#link.post(`${subject}/stop`, { type: 'stream-close', stream: number }))
    this.#subjects.add(subject, {
      event: (event) => event.type === 'stream-closed' && mailbox.close(new ProtocolError('cancelled', `Stream ${number} is closed: ${event.because}.`)),
      fail: (error) => mailbox.close(error),
    })
    if (!standing) this.#link.post(subject, { type: 'stream-open', stream: number, policy, ...(name && { name }), ...(maxFps && { maxFps }) })
    return out
  }

  ask(text: string, { stream = this.#lastStream, at, tasks, deadlineMs, id = ulid(), signal }: AskOptions = {}): AskRun {
    const cancel = () => this.#link.post(`${id}/stop`, { type: 'ask-cancel', ask: id })
    const run = new AskRun(id, cancel)
    this.#open(id, signal, cancel, { event: (event) => isAskEvent(event) && run.take(event), fail: (error) => run.fail(error) }, () =>
      this.#link.post(id, {
        type: 'ask-start',
        ask: id,
        text,
        ...(stream !== undefined && { stream }),
        ...(at && { at }),
        ...(tasks && { tasks }),
        ...(deadlineMs && { deadlineMs }),
      }),
    )
    return run
  }

  locate(query: string, options?: LookOptions): Promise<Evidence> {
    return onlyEvidence(this.ask(query, { ...options, tasks: ['region'] }))
  }

  segment(query: string, options?: LookOptions): Promise<Evidence> {
    return onlyEvidence(this.ask(query, { ...options, tasks: ['mask'] }))
  }

  findMoment(query: string, options?: LookOptions): Promise<Evidence> {
    return onlyEvidence(this.ask(query, { ...options, tasks: ['moment'] }))
  }

  /** Follows one object; resolves when the edge has taken the track on. */
  follow(prompt: TrackPrompt, { stream = this.#lastStream, id = ulid(), signal }: FollowOptions = {}): Promise<FollowedTrack> {
    const stop = () => this.#link.post(`${id}/stop`, { type: 'track-stop', track: id })
    const track = new FollowedTrack(id, stop)
    const { promise, resolve, reject } = new Deferred<FollowedTrack>()
    const hear = (event: SessionEvent) => {
      if (event.type === 'track-started') resolve(track)
      else if (event.type === 'track-confirmed' || event.type === 'track-lost' || event.type === 'track-found') track.step(event)
      else if (event.type === 'track-ended') track.end(event.error && new ProtocolError(event.error.code, event.error.message, event.error))
    }
    const fail = (error: Error) => {
      reject(error)
      track.end(error)
    }
    this.#tracks.set(id, track)
    this.#open(id, signal, stop, { event: hear, fail }, () => this.#link.post(id, { type: 'track-start', track: id, stream: this.#streamOr(stream), prompt }))
    return promise
  }

  /** A standing query: compiled once, then answered on every frame [TR1]. */
  watch(query: string, { task = 'region', stream = this.#lastStream, everyMs, minScore, id = ulid(), signal }: WatchOptions = {}): Watch {
    const stop = () => this.#link.post(`${id}/stop`, { type: 'watch-stop', watch: id })
    const watch = new Watch(id, query, stop)
    const hear = (event: SessionEvent) => {
      if (event.type === 'watch-started') watch.start(event.standing)
      else if (event.type === 'watch-stopped') watch.end(event.error && new ProtocolError(event.error.code, event.error.message, event.error))
    }
    this.#watches.set(id, watch)
    this.#open(id, signal, stop, { event: hear, fail: (error) => watch.end(error) }, () =>
      this.#link.post(id, {
        type: 'watch-start',
        watch: id,
        stream: this.#streamOr(stream),
        query,
        task,
        ...(everyMs !== undefined && { everyMs }),
        ...(minScore !== undefined && { minScore }),
      }),
    )
    return watch
  }

  /** An agent turn at the edge: a chat model with this session's tools. */
  turn(
    text: string,
    { stream = this.#lastStream, id = ulid(), signal }: { stream?: number; id?: string; signal?: AbortSignal } = {},
  ): EdgeRun<TurnEvent, TurnOutcome> {
    const cancel = () => this.#link.post(`${id}/stop`, { type: 'turn-cancel', turn: id })
    const run = turnRun(id, cancel)
    this.#open(id, signal, cancel, { event: (event) => 'turn' in event && run.take(event), fail: (error) => run.fail(error) }, () =>
      this.#link.post(id, { type: 'turn-start', turn: id, text, ...(stream !== undefined && { stream }) }),
    )
    return run
  }

  /** A workflow run at the edge. */
  runWorkflow(
    graph: WorkflowGraph,
    input: WorkflowOutcome['output'] = {},
    { id = ulid(), signal }: { id?: string; signal?: AbortSignal } = {},
  ): EdgeRun<WorkflowEvent, WorkflowOutcome> {
    const cancel = () => this.#link.post(`${id}/stop`, { type: 'workflow-cancel', run: id })
    const run = workflowRun(id, cancel)
    this.#open(id, signal, cancel, { event: (event) => 'run' in event && run.take(event), fail: (error) => run.fail(error) }, () =>
      this.#link.post(id, { type: 'workflow-start', run: id, graph, input }),
    )
    return run
  }

  async recall(evidence: string): Promise<Evidence | undefined> {
    return this.#evidence.get(evidence) ?? (await this.#options.findEvidence(evidence))
  }

  view(stream?: number): View | undefined {
    return this.#verdicts.view(stream)
  }

  /** Verdicts as they come. A loop slower than the frames sees the newest `limit` of them. */
  results({ limit }: { limit?: number } = {}): AsyncQueue<Result> {
    return this.#verdicts.results.subscribe(limit === undefined ? {} : { limit })
  }

  /** A kept frame as JPEG, or with evidence drawn over it as PNG. */
  picture({ stream = this.#lastStream, frame, evidence }: { stream?: number; frame: number; evidence?: string }): Promise<Uint8Array> {
    const id = ulid()
    const { promise, resolve, reject } = new Deferred<Uint8Array>()
    this.#pictures.set(id, resolve)
    this.#open(
      id,
      undefined,
      () => {},
      { fail: reject },
      () => this.#link.post(id, { type: 'picture-get', request: id, stream: this.#streamOr(stream), frame, ...(evidence && { evidence }) }),
    )
    return promise
  }

  /** Loses the connection on purpose, as a network would; the session comes back by itself. For self-tests. */
  dropConnection(): void {
    this.#link.drop()
  }

  /** Ends the session. With `keep` only this program leaves, and the session can be resumed with `id` and `resumeKey`. */
  async close({ keep = false }: { keep?: boolean } = {}): Promise<void> {
    if (this.#closed) return
    if (!keep && this.#connection.state === 'open') {
      this.#link.post('session-end', { type: 'session-end' })
      await Promise.race([this.#ended.promise, new Promise((resolve) => setTimeout(resolve, CLOSE_WAIT_MS))])
    }
    this.#link.close()
    this.#connection = { state: 'closed', because: 'closed by this program' }
    this.#finish(new ProtocolError('cancelled', 'The session was closed by this program.'))
    for (const listener of this.#listeners.connection) listener(this.#connection)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #open(id: string, signal: AbortSignal | undefined, cancel: () => void, subject: Parameters<Subjects['add']>[1], post: () => void): void {
    this.#assertOpen()
    signal?.throwIfAborted()
    this.#subjects.add(id, subject)
    signal?.addEventListener('abort', cancel, { once: true })
    post()
  }

  #greet(ready: SessionReady): void {
    this.#hello = ready
    this.#state = ready.state
    for (const { stream, policy, sent, window, maxFrameBytes } of ready.streams) {
      const mailbox = this.#verdicts.mailbox(stream) ?? this.#verdicts.open(stream, policy, sent)
      this.#lastStream ??= stream
      mailbox.setWindow(window, maxFrameBytes)
    }
    this.#tell(ready)
  }

  #hear(event: SessionEvent): void {
    this.#tell(event)
    if (event.type === 'session-state') this.#state = event.state
    if (event.type === 'head-result') this.#keep(event.evidence)
    const id = subjectOf(event)
    if (id !== undefined) {
      this.#link.settle(id)
      this.#subjects.event(id, event)
      if (isLast(event)) this.#forget(id)
    }
    if (event.type !== 'session-ended') return
    this.#ended.resolve()
    this.#finish(new ProtocolError('not-found', `The session has ended: ${event.because}. Open a new one.`))
    this.#link.close()
  }

  #note(message: TransientMessage): void {
    if (message.type !== 'frame-seen') this.#tell(message)
    switch (message.type) {
      case 'session-ready':
        this.#hello = message
        return
      case 'stream-window':
        return this.#verdicts.mailbox(message.stream)?.setWindow(message.window, this.#hello?.limits.maxFrameBytes)
      case 'frame-seen':
        this.#verdicts.seen(message)
        return this.#tell(message)
      case 'frame-dropped':
        return this.#verdicts.dropped(message)
      case 'frames-settled':
        return this.#verdicts.settled(message)
      case 'error':
        return this.#refused(message)
      case 'session-reset':
        this.#state = message.state.state
        for (const ask of message.state.asks)
          if (ask.ended)
            this.#refuse(
              ask.ask,
              new ProtocolError('not-found', 'This ask ended while the connection was away, and the log no longer holds its answer. Ask again.', {
                retryable: true,
              }),
            )
    }
  }

  #refused({ of, code, message, ...details }: ErrorMessage): void {
    if (of === undefined) return
    // Said twice because a socket died in between: the first one had arrived.
    if (code === 'id-taken' && this.#link.wasResaid(of)) return void this.#link.settle(of)
    this.#refuse(of, new ProtocolError(code, message, details))
  }

  #refuse(id: string, error: Error): void {
    this.#subjects.fail(id, error)
    this.#forget(id)
  }

  #forget(id: string): void {
    this.#link.settle(id)
    this.#link.settle(`${id}/stop`)
    this.#subjects.remove(id)
    this.#watches.delete(id)
    this.#tracks.delete(id)
    this.#pictures.delete(id)
  }

  #takePicture(bytes: ArrayBuffer): void {
    const read = readPicture(bytes)
    if ('problem' in read) return
    this.#pictures.get(read.request)?.(read.picture)
    this.#forget(read.request)
  }

  #keep(evidence: Evidence): void {
    this.#evidence.set(evidence.id, evidence)
    const [oldest] = this.#evidence.keys()
    if (this.#evidence.size > EVIDENCE_KEPT && oldest !== undefined) this.#evidence.delete(oldest)
  }

  #tell(message: EdgeMessage): void {
    for (const listener of this.#listeners.message) listener(message)
  }

  #finish(error: Error): void {
    if (this.#closed) return
    this.#closed = error
    this.#ready.reject(error)
    this.#subjects.failAll(error)
    this.#verdicts.end(error)
  }

  #assertOpen(): void {
    if (this.#closed) throw this.#closed
  }

  #streamOr(stream: number | undefined): number {
    if (stream !== undefined) return stream
    throw new ProtocolError('unknown-stream', 'This session has no stream yet. Send a source, or open a stream, first.')
  }
}

function isAskEvent(event: SessionEvent): event is AskEvent {
  return 'ask' in event
}

/** After these an id is history. */
function isLast(event: SessionEvent): boolean {
  return ['answer-ended', 'watch-stopped', 'track-ended', 'turn-ended', 'workflow-ended', 'stream-closed'].includes(event.type)
}

export type { AnswerResult }
