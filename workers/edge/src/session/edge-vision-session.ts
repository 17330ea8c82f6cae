import { ProtocolError } from '@fovea/protocol'
import type {
  Answer,
  AnswerResult,
  AskEvent,
  AskOptions,
  Evidence,
  FollowOptions,
  LookOptions,
  SessionEvent,
  Task,
  Track,
  TrackPrompt,
  TrackUpdate,
  View,
  VisionSession,
} from '@fovea/protocol'
import { EventQueue } from './event-queue.ts'
import { newId } from './new-id.ts'
import type { Session } from './session.ts'

const LIVES = { 'track-confirmed': 'confirmed', 'track-lost': 'lost', 'track-found': 'found' } as const

/** The session as tools and workflows see it, in place: their asks and tracks are ordinary ones, in the log like a client's. */
export class EdgeVisionSession implements VisionSession {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  get id(): string {
    return this.#session.row.id
  }

  ask(text: string, { id = newId('a'), stream, at, deadlineMs, tasks, boxes, signal }: AskOptions = {}): Answer {
    const session = this.#session
    const queue = new EventQueue<AskEvent>()
    const stop = session.listen((event) => {
      if (!('ask' in event) || event.ask !== id) return
      queue.push(event)
      if (event.type === 'answer-ended') queue.end()
    })
    const result = (async (): Promise<AnswerResult> => {
      try {
        // Refuses an id that has asked something else.
        session.asks.start({ ask: id, text, stream, at, deadlineMs, tasks, boxes })
        const known = session.asks.result(id)
        if (known) return known
        const cancel = () => session.asks.cancel(id)
        if (signal?.aborted) cancel()
        signal?.addEventListener('abort', cancel, { once: true })
        await queue.ended
        signal?.removeEventListener('abort', cancel)
        const ended = session.asks.result(id)
        if (!ended) throw new ProtocolError('internal', `Ask ${id} ended without an outcome.`)
        return ended
      } finally {
        stop()
        queue.end()
      }
    })()
    // Whoever only iterates must not be hit by the rejection that the iterator tells as well.
    result.catch((error: unknown) => queue.fail(error))
    return {
      ask: id,
      cancel: () => session.asks.cancel(id),
      // oxlint-disable-next-line unicorn/no-thenable -- an Answer is a promise of the whole and an iterable of its parts
      then: (done, failed) => result.then(done, failed),
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    }
  }

  locate(query: string, options?: LookOptions): Promise<Evidence> {
    return this.#force(query, 'region', options)
  }

  segment(query: string, options?: LookOptions): Promise<Evidence> {
    return this.#force(query, 'mask', options)
  }

  findMoment(query: string, options?: LookOptions): Promise<Evidence> {
    return this.#force(query, 'moment', options)
  }

  async follow(prompt: TrackPrompt, { stream = this.#firstStream(), id = newId('t'), signal }: FollowOptions = {}): Promise<Track> {
    const session = this.#session
    const queue = new EventQueue<TrackUpdate>()
    let last: TrackUpdate | undefined
    const update = (one: TrackUpdate) => {
      last = one
      queue.push(one)
    }
    const stops = [
      session.frames.listen((seen) => {
        const perception = seen.stream === stream ? seen.perceptions.find((one) => one.track === id) : undefined
        if (perception)
          update({ track: id, life: perception.life ?? last?.life ?? 'tentative', stream, frame: seen.frame, mediaTime: seen.mediaTime, perception })
      }),
      session.listen((event) => {
        const step = stepOf(event, id)
        if (step) update({ ...step, ...(last?.frame === step.frame && last.perception && { perception: last.perception }) })
        if (event.type === 'track-ended' && event.track === id) end()
      }),
    ]
    const leave = () => {
      for (const stop of stops) stop()
      queue.end()
    }
    const end = () => {
      const { frame, mediaTime } = last ?? session.streams.view(stream) ?? { frame: 0, mediaTime: 0 }
      update({ track: id, life: 'ended', stream, frame, mediaTime })
      leave()
    }
    const stop = () => session.standing.stopTrack(id, 'stopped')
    try {
      // A run that goes on after a sleep finds here what it would have been told awake [EP5].
      if (session.standing.isOver(id)) end()
      else {
        session.streams.get(stream)
        session.standing.startTrack({ track: id, stream, prompt })
      }
    } catch (error) {
      leave()
      throw error
    }
    signal?.addEventListener('abort', stop, { once: true })
    return {
      track: id,
      get last() {
        return last
      },
      stop,
      [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    }
  }

  async recall(evidence: string): Promise<Evidence | undefined> {
    return this.#session.asks.recall(evidence)
  }

  view(stream?: number): View | undefined {
    const view = this.#session.streams.view(stream)
    return view && { ...view, perceptions: this.#session.frames.perceptions(view.stream) }
  }

  /** One head, forced: the ask's text is the bare phrase, and its answer is that head's result. */
  async #force(query: string, task: Exclude<Task, 'track'>, options?: LookOptions): Promise<Evidence> {
    const answer = await this.ask(query, { ...options, tasks: [task] })
    const evidence = answer.evidence.find((one) => one.task === task)
    if (evidence) return evidence
    if (answer.error)
      throw new ProtocolError(answer.error.code, answer.error.message, { retryable: answer.error.retryable, retryAfterMs: answer.error.retryAfterMs })
    throw new ProtocolError(
      answer.finish === 'cancelled' || answer.finish === 'deadline' ? answer.finish : 'internal',
      `The ${task} head gave no result for “${query}” (${answer.finish}).`,
    )
  }

  #firstStream(): number {
    const [stream] = this.#session.streams.open.keys()
    if (stream === undefined) throw new ProtocolError('no-frame', 'No stream is open: there is nothing to follow in.')
    return stream
  }
}

function stepOf(event: SessionEvent, track: string): TrackUpdate | undefined {
  if (event.type !== 'track-confirmed' && event.type !== 'track-lost' && event.type !== 'track-found') return undefined
  if (event.track !== track) return undefined
  return { track, life: LIVES[event.type], stream: event.stream, frame: event.frame, mediaTime: event.mediaTime }
}
