import { ProtocolError, readPicture } from '@fovea/protocol'
import type { EdgeMessage, ErrorMessage, Evidence, SessionEvent, SessionReady, SessionState, StreamPolicy, TransientMessage } from '@fovea/protocol'
import { Deferred } from './deferred.ts'
import { Link } from './link.ts'
import type { Connection, LinkOptions } from './link.ts'
import type { Mailbox } from './mailbox.ts'
import type { Outbox } from './outbox.ts'
import { isLast, streamSubject, subjectOf, Subjects } from './subjects.ts'
import type { Subject } from './subjects.ts'
import { Verdicts } from './verdicts.ts'

export type ConversationOptions = Pick<LinkOptions, 'ticket' | 'openWire' | 'backoff'> & { lastSeq?: number }
export type Listeners = { message: (message: EdgeMessage) => void; connection: (connection: Connection) => void }
type Message = Parameters<Outbox['post']>[1]

const CLOSE_WAIT_MS = 2000
/** The edge itself gives a backend two seconds to stop. */
const STOP_WAIT_MS = 3000
const EVIDENCE_KEPT = 1000

/** What is said and heard in one session: it takes every message of the edge to whom it is for, and remembers what the session is. */
export class Conversation {
  readonly verdicts: Verdicts
  readonly ready = new Deferred<void>()
  readonly evidence = new Map<string, Evidence>()
  hello: SessionReady | undefined
  state: SessionState = 'idle'
  connection: Connection = { state: 'connecting' }
  readonly #link: Link
  readonly #subjects = new Subjects()
  readonly #listeners: { [Name in keyof Listeners]: Set<Listeners[Name]> } = { message: new Set(), connection: new Set() }
  readonly #ended = new Deferred<void>()
  readonly #usedStreams = new Set<number>()
  #closed: Error | undefined

  constructor({ lastSeq = 0, ...options }: ConversationOptions) {
    this.verdicts = new Verdicts({
      canSend: () => this.#link.canSend,
      send: (bytes) => this.#link.sendFrame(bytes),
      onPerception: (perception, seen, captureAgeMs) => {
        const id = perception.watch ?? perception.track
        if (id) this.#subjects.get(id)?.perception?.(perception, seen, captureAgeMs)
      },
    })
    this.#link = new Link({
      ...options,
      lastSeq,
      streams: () => this.#standOfStreams(),
      onReady: (ready) => this.#greet(ready),
      onResumed: () => {
        for (const mailbox of this.verdicts.mailboxes) mailbox.pump()
        this.ready.resolve()
      },
      onEvent: (event) => this.#hear(event),
      onTransient: (message) => this.#note(message),
      onBinary: (bytes) => this.#takePicture(bytes),
      onConnection: (connection, final) => {
        if (final) this.#finish(final)
        this.#change(connection)
      },
    })
  }

  get lastSeq(): number {
    return this.#link.lastSeq
  }

  on<Name extends keyof Listeners>(name: Name, listener: Listeners[Name]): () => void {
    this.#listeners[name].add(listener)
    return () => void this.#listeners[name].delete(listener)
  }

  /** Starts something at the edge: said until it is confirmed, told of under its id. */
  begin(id: string, message: Message, subject: Subject, { signal, stop }: { signal?: AbortSignal | undefined; stop?: () => void } = {}): void {
    this.assertOpen()
    signal?.throwIfAborted()
    const over = this.#subjects.add(id, subject)
    if (stop) signal?.addEventListener('abort', stop, { once: true, signal: over })
    this.#link.post(id, message)
  }

  /** Asks the edge to stop what `begin` started. Where the edge cannot be heard, or does not answer, it ends here all the same; the edge is told when it can be. */
  stop(id: string, message: Message): void {
    if (!this.#subjects.get(id)) return
    this.#link.post(stopOf(id), message)
    if (this.connection.state === 'open') this.#subjects.after(id, STOP_WAIT_MS, () => this.#abandon(id))
    else this.#abandon(id)
  }

  /** A stream of this program; one that a resumed session has already is taken up again. */
  stream(policy: StreamPolicy, { stream = this.#freeStream(), name, maxFps }: { stream?: number; name?: string; maxFps?: number }): Mailbox {
    this.assertOpen()
    const subject: Subject = { kind: 'stream', fail: (error) => this.verdicts.close(stream, error) }
    const standing = this.verdicts.mailbox(stream)
    if (standing) {
      this.#subjects.add(streamSubject(stream), subject)
      standing.goOn()
      return standing
    }
    this.#usedStreams.add(stream)
    const mailbox = this.verdicts.open(stream, policy)
    this.begin(streamSubject(stream), { type: 'stream-open', stream, policy, ...(name && { name }), ...(maxFps && { maxFps }) }, subject)
    return mailbox
  }

  closeStream(stream: number): void {
    this.verdicts.mailbox(stream)?.halt(new ProtocolError('cancelled', `Stream ${stream} was closed by this program.`))
    const id = streamSubject(stream)
    if (this.#subjects.get(id)) this.#link.post(stopOf(id), { type: 'stream-close', stream })
  }

  drop(): void {
    this.#link.drop()
  }

  async close(end: boolean): Promise<void> {
    if (this.#closed) return
    if (end) {
      this.#link.post('session-end', { type: 'session-end' })
      let timer: ReturnType<typeof setTimeout> | undefined
      await Promise.race([this.#ended.promise, new Promise((resolve) => (timer = setTimeout(resolve, CLOSE_WAIT_MS)))])
      clearTimeout(timer)
    }
    this.#finish(new ProtocolError('cancelled', 'The session was closed by this program.'))
    this.#link.close()
    if (this.connection.state !== 'closed') this.#change({ state: 'closed', because: 'closed by this program' })
  }

  assertOpen(): void {
    if (this.#closed) throw this.#closed
  }

  /** What a resume names: every stream that has sent, also a closed one, as long as a number of it has no verdict [EV2]. */
  #standOfStreams(): { stream: number; sent: number; unsettled: number[] }[] {
    return [...this.verdicts.mailboxes].filter(({ sent }) => sent > 0).map(({ stream, sent, unsettled }) => ({ stream, sent, unsettled }))
  }

  #greet(ready: SessionReady): void {
    this.hello = ready
    this.state = ready.state
    for (const { stream, policy, sent, window, maxFrameBytes, mediaTime } of ready.streams) {
      const mailbox = this.verdicts.mailbox(stream) ?? this.verdicts.open(stream, policy, { sent, mediaTime })
      mailbox.setWindow(window, maxFrameBytes)
    }
    this.#tell(ready)
  }

  #hear(event: SessionEvent): void {
    if (event.type === 'session-state') this.state = event.state
    if (event.type === 'stream-opened') this.#usedStreams.add(event.stream)
    if (event.type === 'stream-closed') this.verdicts.close(event.stream, new ProtocolError('cancelled', `Stream ${event.stream} is closed: ${event.because}.`))
    if (event.type === 'head-result') this.#keep(event.evidence)
    const id = subjectOf(event)
    if (id !== undefined) {
      this.#link.settle(id)
      this.#subjects.get(id)?.event?.(event)
      if (isLast(event)) this.#forget(id)
    }
    if (event.type !== 'session-ended') return this.#tell(event)
    this.#finish(new ProtocolError('not-found', `The session has ended: ${event.because}. Open a new one.`))
    this.#link.close()
    this.#tell(event)
    this.#change({ state: 'closed', because: event.because })
  }

  #note(message: TransientMessage): void {
    switch (message.type) {
      case 'session-ready':
        this.hello = message
        break
      case 'stream-window':
        this.verdicts.mailbox(message.stream)?.setWindow(message.window, this.hello?.limits.maxFrameBytes)
        break
      case 'frame-seen':
        this.verdicts.seen(message)
        break
      case 'frame-dropped':
        this.verdicts.dropped(message)
        break
      case 'frames-settled':
        this.verdicts.settled(message)
        break
      case 'session-reset':
        this.#reset(message.state)
        break
      case 'error':
        this.#refused(message)
    }
    this.#tell(message)
  }

  /** The log no longer reaches back to where this program had read: what ended meanwhile is lost, what runs goes on, what the edge has not heard of is said to it next. */
  #reset({ state, streams, watches, tracks, asks, turns, workflows }: Extract<TransientMessage, { type: 'session-reset' }>['state']): void {
    this.state = state
    const ended = new Set<string>()
    const standing = new Set([...streams.map(({ stream }) => streamSubject(stream)), ...watches.map(({ watch }) => watch), ...tracks.map(({ track }) => track)])
    for (const ask of asks) (ask.ended ? ended : standing).add(ask.ask)
    for (const turn of turns) (turn.ended ? ended : standing).add(turn.turn)
    for (const workflow of workflows) (workflow.ended ? ended : standing).add(workflow.run)
    for (const [id, subject] of this.#subjects) {
      if (standing.has(id)) {
        this.#link.settle(id)
        subject.stands?.()
      } else if (ended.has(id) || !this.#link.isUnconfirmed(id)) this.#fail(id, gone(subject.kind))
    }
    for (const { stream } of this.verdicts.mailboxes) {
      const id = streamSubject(stream)
      if (!standing.has(id) && !this.#link.isUnconfirmed(id)) this.verdicts.close(stream, gone('stream'))
    }
  }

  #refused({ of, code, message, type: _type, ...details }: ErrorMessage): void {
    if (of !== undefined) this.#fail(of, new ProtocolError(code, message, details))
  }

  #fail(id: string, error: Error): void {
    this.#subjects.fail(id, error)
    this.#forget(id)
  }

  #abandon(id: string): void {
    this.#link.settle(id)
    this.#subjects.abandon(id, new ProtocolError('cancelled', 'It was cancelled by this program before the edge said how it ended.'))
  }

  #forget(id: string): void {
    this.#link.settle(id)
    this.#link.settle(stopOf(id))
    this.#subjects.remove(id)
  }

  #takePicture(bytes: ArrayBuffer): void {
    const read = readPicture(bytes)
    if ('problem' in read) return
    this.#subjects.get(read.request)?.picture?.(read.picture)
    this.#forget(read.request)
  }

  #keep(evidence: Evidence): void {
    this.evidence.set(evidence.id, evidence)
    const [oldest] = this.evidence.keys()
    if (this.evidence.size > EVIDENCE_KEPT && oldest !== undefined) this.evidence.delete(oldest)
  }

  #tell(message: EdgeMessage): void {
    for (const listener of this.#listeners.message) guarded(() => listener(message))
  }

  #change(connection: Connection): void {
    this.connection = connection
    for (const listener of this.#listeners.connection) guarded(() => listener(connection))
  }

  #finish(error: Error): void {
    if (this.#closed) return
    this.#closed = error
    this.#ended.resolve()
    this.ready.reject(error)
    this.#subjects.failAll(error)
    this.verdicts.end(error)
  }

  /** A number is used once in a session, also when its stream is closed, by this program or one before it. */
  #freeStream(): number {
    let number = Math.max(1, this.hello?.nextStream ?? 1)
    while (this.#usedStreams.has(number)) number++
    return number
  }
}

/** What a listener throws is its program's own: it surfaces as uncaught there, and takes nothing from the session. */
function guarded(tell: () => void): void {
  try {
    tell()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

function gone(what: Subject['kind']): ProtocolError {
  return new ProtocolError('not-found', `This ${what} ended while the connection was away, and the log no longer holds its end. Begin it again.`, {
    retryable: true,
  })
}

function stopOf(id: string): string {
  return `${id}/stop`
}
