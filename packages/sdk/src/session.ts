import { ProtocolError } from '@fovea/protocol'
import type {
  AskEvent,
  AskOptions,
  Evidence,
  FollowOptions,
  Limits,
  LookOptions,
  ModelInfo,
  SessionEvent,
  SessionState,
  StreamPolicy,
  TrackPrompt,
  View,
  VisionSession,
  WorkflowGraph,
} from '@fovea/protocol'
import { AskRun, onlyEvidence } from './ask-run.ts'
import type { AsyncQueue } from './async-queue.ts'
import { Conversation } from './conversation.ts'
import type { ConversationOptions, Listeners } from './conversation.ts'
import { Deferred } from './deferred.ts'
import { turnRun, workflowRun } from './edge-run.ts'
import type { EdgeRun, TurnEvent, TurnOutcome, WorkflowEvent, WorkflowOutcome } from './edge-run.ts'
import { FollowedTrack } from './followed-track.ts'
import type { FrameSource } from './frame-source.ts'
import type { Connection } from './link.ts'
import { OutStream } from './out-stream.ts'
import type { Result } from './results.ts'
import { Sending } from './sending.ts'
import type { Subject } from './subjects.ts'
import { ulid } from './ulid.ts'
import { Watch } from './watch.ts'

export type SessionOptions = ConversationOptions & {
  id: string
  resumeKey: string | undefined
  /** evidence of the log that this program has not read itself */
  findEvidence: (id: string) => Promise<Evidence | undefined>
}

export type WatchOptions = { task?: 'region' | 'mask'; stream?: number; everyMs?: number; minScore?: number; id?: string; signal?: AbortSignal }
export type StreamOptions = { policy?: StreamPolicy; name?: string; stream?: number; maxFps?: number }
type RunOptions = { id?: string; signal?: AbortSignal }

/** A live session: pictures in, words and measurements out. It keeps itself connected; everything waits through a lost connection. */
export class Session implements VisionSession {
  readonly id: string
  /** opens this session again from another program; keep it secret */
  readonly resumeKey: string | undefined
  readonly #talk: Conversation
  readonly #findEvidence: SessionOptions['findEvidence']
  /** streams that this program has opened or taken up, the newest last */
  readonly #streams = new Set<number>()

  constructor({ id, resumeKey, findEvidence, ...options }: SessionOptions) {
    this.id = id
    this.resumeKey = resumeKey
    this.#findEvidence = findEvidence
    this.#talk = new Conversation(options)
  }

  /** Resolves when the edge has answered for the first time; rejects when it will not. */
  get ready(): Promise<void> {
    return this.#talk.ready.promise
  }

  get state(): SessionState {
    return this.#talk.state
  }

  get connection(): Connection {
    return this.#talk.connection
  }

  /** Which model sees; undefined until one has attached. */
  get model(): ModelInfo | undefined {
    return this.#talk.hello?.model
  }

  get limits(): Limits | undefined {
    return this.#talk.hello?.limits
  }

  /** The last event this program has read: with `id` and `resumeKey`, the place to resume from. */
  get lastSeq(): number {
    return this.#talk.lastSeq
  }

  /** Every message of the edge, or every change of the connection. Returns what stops it. */
  on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void {
    return this.#talk.on(name, listener)
  }

  /** Sends a source: a camera, a file, a folder. `await session.send(source).done` waits until all of it has its verdicts. */
  send(source: FrameSource, { signal, ...options }: { name?: string; stream?: number; signal?: AbortSignal } = {}): Sending {
    const out = this.openStream({ policy: source.policy, ...(source.name && { name: source.name }), ...options })
    return new Sending(source, out, () => this.model?.imageSize, signal)
  }

  /** A stream that you put frames into yourself. `stream` of one that stands already takes it up again: media time goes on there, also when yours begins at 0. */
  openStream({ policy = 'latest', ...options }: StreamOptions = {}): OutStream {
    const mailbox = this.#talk.stream(policy, options)
    const { stream } = mailbox
    this.#streams.delete(stream)
    this.#streams.add(stream)
    return new OutStream(mailbox, () => this.#talk.closeStream(stream))
  }

  ask(text: string, { stream = this.#lastStream, at, tasks, boxes, deadlineMs, id = ulid(), signal }: AskOptions = {}): AskRun {
    const stop = () => this.#talk.stop(id, { type: 'ask-cancel', ask: id })
    const run = new AskRun(id, stop)
    const message = {
      type: 'ask-start',
      ask: id,
      text,
      ...(stream !== undefined && { stream }),
      ...(at && { at }),
      ...(tasks && { tasks }),
      ...(boxes && { boxes }),
      ...(deadlineMs && { deadlineMs }),
    } as const
    const subject: Subject = { kind: 'ask', event: (event) => isAskEvent(event) && run.take(event), fail: (error) => run.fail(error) }
    this.#talk.begin(id, message, subject, { signal, stop })
    return run
  }

  async locate(query: string, options?: LookOptions): Promise<Evidence> {
    return onlyEvidence(this.ask(query, { ...options, tasks: ['region'] }))
  }

  async segment(query: string, options?: LookOptions): Promise<Evidence> {
    return onlyEvidence(this.ask(query, { ...options, tasks: ['mask'] }))
  }

  async findMoment(query: string, options?: LookOptions): Promise<Evidence> {
    return onlyEvidence(this.ask(query, { ...options, tasks: ['moment'] }))
  }

  /** Follows one object; resolves when the edge has taken the track on. */
  async follow(prompt: TrackPrompt, { stream, id = ulid(), signal }: FollowOptions = {}): Promise<FollowedTrack> {
    const stop = () => this.#talk.stop(id, { type: 'track-stop', track: id })
    const track = new FollowedTrack(id, stop)
    const started = new Deferred<FollowedTrack>()
    this.#talk.begin(
      id,
      { type: 'track-start', track: id, stream: this.#streamOr(stream), prompt },
      {
        kind: 'track',
        event: (event) => {
          if (event.type === 'track-started') started.resolve(track)
          else track.hear(event)
        },
        stands: () => started.resolve(track),
        perception: (perception, { stream: of, frame, mediaTime }) =>
          track.update({ track: id, life: perception.life ?? 'confirmed', stream: of, frame, mediaTime, perception }),
        fail: (error) => {
          started.reject(error)
          track.end(error)
        },
      },
      { signal, stop },
    )
    return started.promise
  }

  /** A standing query: compiled once, then answered on every frame [TR1]. */
  watch(query: string, { task = 'region', stream, everyMs, minScore, id = ulid(), signal }: WatchOptions = {}): Watch {
    const stop = () => this.#talk.stop(id, { type: 'watch-stop', watch: id })
    const watch = new Watch(id, query, stop)
    this.#talk.begin(
      id,
      {
        type: 'watch-start',
        watch: id,
        stream: this.#streamOr(stream),
        query,
        task,
        ...(everyMs !== undefined && { everyMs }),
        ...(minScore !== undefined && { minScore }),
      },
      {
        kind: 'watch',
        event: (event) => watch.hear(event),
        perception: (perception, { stream: of, frame, mediaTime }, captureAgeMs) =>
          watch.update({ watch: id, stream: of, frame, mediaTime, captureAgeMs, perception }),
        fail: (error) => watch.end(error),
      },
      { signal, stop },
    )
    return watch
  }

  /** An agent turn at the edge: a chat model with this session's tools. */
  turn(text: string, { stream = this.#lastStream, id = ulid(), signal }: RunOptions & { stream?: number } = {}): EdgeRun<TurnEvent, TurnOutcome> {
    const stop = () => this.#talk.stop(id, { type: 'turn-cancel', turn: id })
    const run = turnRun(id, stop)
    const message = { type: 'turn-start', turn: id, text, ...(stream !== undefined && { stream }) } as const
    const subject: Subject = { kind: 'turn', event: (event) => 'turn' in event && run.take(event), fail: (error) => run.fail(error) }
    this.#talk.begin(id, message, subject, { signal, stop })
    return run
  }

  /** A workflow run at the edge. */
  runWorkflow(graph: WorkflowGraph, input: WorkflowOutcome['output'] = {}, { id = ulid(), signal }: RunOptions = {}): EdgeRun<WorkflowEvent, WorkflowOutcome> {
    const stop = () => this.#talk.stop(id, { type: 'workflow-cancel', run: id })
    const run = workflowRun(id, stop)
    const subject: Subject = { kind: 'workflow run', event: (event) => 'run' in event && run.take(event), fail: (error) => run.fail(error) }
    this.#talk.begin(id, { type: 'workflow-start', run: id, graph, input }, subject, { signal, stop })
    return run
  }

  async recall(evidence: string): Promise<Evidence | undefined> {
    return this.#talk.evidence.get(evidence) ?? (await this.#findEvidence(evidence))
  }

  view(stream?: number): View | undefined {
    return this.#talk.verdicts.view(stream)
  }

  /** Verdicts as they come. A loop slower than the frames sees the newest `limit` of them (1024 where it is not given). */
  results({ limit }: { limit?: number } = {}): AsyncQueue<Result> {
    return this.#talk.verdicts.results.subscribe(limit === undefined ? {} : { limit })
  }

  /** A kept frame as JPEG, or with evidence drawn over it as PNG. */
  async picture({ stream, frame, evidence }: { stream?: number; frame: number; evidence?: string }): Promise<Uint8Array> {
    const id = ulid()
    const picture = new Deferred<Uint8Array>()
    const message = { type: 'picture-get', request: id, stream: this.#streamOr(stream), frame, ...(evidence && { evidence }) } as const
    this.#talk.begin(id, message, { kind: 'picture', picture: (bytes) => picture.resolve(bytes), fail: (error) => picture.reject(error) })
    return picture.promise
  }

  /** Loses the connection on purpose, as a network would; the session comes back by itself. For self-tests. */
  dropConnection(): void {
    this.#talk.drop()
  }

  /** Ends the session. With `keep` only this program leaves, and the session can be resumed with `id` and `resumeKey`. */
  close({ keep = false }: { keep?: boolean } = {}): Promise<void> {
    return this.#talk.close(!keep)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The newest stream of this program that is not closed. */
  get #lastStream(): number | undefined {
    return [...this.#streams].findLast((stream) => this.#talk.verdicts.mailbox(stream)?.isOpen)
  }

  #streamOr(stream: number | undefined): number {
    const found = stream ?? this.#lastStream ?? [...this.#talk.verdicts.mailboxes].find(({ isOpen }) => isOpen)?.stream
    if (found !== undefined) return found
    throw new ProtocolError('unknown-stream', 'This session has no stream yet. Send a source, or open a stream, first.')
  }
}

function isAskEvent(event: SessionEvent): event is AskEvent {
  return 'ask' in event
}
