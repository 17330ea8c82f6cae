import {
  ProtocolError,
  type Answer,
  type AnswerResult,
  type AskEvent,
  type AskOptions,
  type Box,
  type ErrorBody,
  type Evidence,
  type FollowOptions,
  type LookOptions,
  type Rle,
  type Task,
  type Track,
  type TrackPrompt,
  type TrackUpdate,
  type View,
  type VisionSession,
} from '@fovea/protocol'

/** What there is to see, by phrase; a phrase that is not here is absent. */
export type Scene = {
  things?: Record<string, { boxes?: Box[]; mask?: Rle; spans?: { start: number; end: number; score: number }[] }>
  /** question → words, and the phrases that are pointed at on the way */
  answers?: Record<string, { words: string[]; points?: string[] }>
  view?: View
  /** updates of a track, by the phrase or `box` it starts from */
  tracks?: Record<string, TrackUpdate[]>
}

/** A small honest VisionSession over a scene that is written down. For tests and examples that need no model. */
export class ScriptedVisionSession implements VisionSession {
  readonly id = 's_0000000000000000scripted'
  /** every ask that ran, in order: the same id never runs twice [AS1] */
  readonly asked: { ask: string; text: string; tasks: Task[]; at: LookOptions['at'] }[] = []
  readonly followed: { track: string; prompt: TrackPrompt }[] = []
  readonly stopped: string[] = []
  scene: Scene
  readonly #answers = new Map<string, ScriptedAnswer>()
  readonly #evidence = new Map<string, Evidence>()

  constructor(scene: Scene) {
    this.scene = scene
  }

  ask(text: string, { id = `ask-${this.asked.length + 1}`, tasks = [], at, signal }: AskOptions = {}): Answer {
    const known = this.#answers.get(id)
    if (known) return known
    this.asked.push({ ask: id, text, tasks, at })
    const answer = new ScriptedAnswer(id, this.#perform(id, text, tasks, signal))
    this.#answers.set(id, answer)
    return answer
  }

  async locate(query: string, options: LookOptions = {}): Promise<Evidence> {
    return this.#point('region', query, options)
  }

  async segment(query: string, options: LookOptions = {}): Promise<Evidence> {
    return this.#point('mask', query, options)
  }

  async findMoment(query: string, options: LookOptions = {}): Promise<Evidence> {
    return this.#point('moment', query, options)
  }

  async follow(prompt: TrackPrompt, { id = `track-${this.followed.length + 1}` }: FollowOptions = {}): Promise<Track> {
    if (!this.followed.some(({ track }) => track === id)) this.followed.push({ track: id, prompt })
    const updates = this.scene.tracks?.['query' in prompt ? prompt.query : 'box'] ?? []
    const stopped = this.stopped
    return {
      track: id,
      last: updates.at(-1),
      stop: () => void stopped.push(id),
      async *[Symbol.asyncIterator]() {
        for (const update of updates) if (!stopped.includes(id)) yield { ...update, track: id }
      },
    }
  }

  async recall(evidence: string): Promise<Evidence | undefined> {
    return this.#evidence.get(evidence)
  }

  view(): View | undefined {
    return this.scene.view
  }

  async #point(task: Exclude<Task, 'track'>, query: string, options: LookOptions): Promise<Evidence> {
    const { evidence, error } = await this.ask(query, { ...options, tasks: [task] })
    if (error) throw new ProtocolError(error.code, error.message, { retryable: error.retryable })
    const found = evidence[0]
    if (!found) throw new ProtocolError('internal', `The scripted session found nothing to say about ${query}.`)
    return found
  }

  #perform(ask: string, text: string, tasks: Task[], signal: AbortSignal | undefined): AskEvent[] {
    let seq = this.#evidence.size * 10
    const stamp = () => ({ seq: ++seq, at: 0, ask })
    const events: AskEvent[] = [{ type: 'ask-accepted', text, ...stamp() }]
    const end = (finish: AnswerResult['finish'], words: string, error?: ErrorBody) =>
      events.push({
        type: 'answer-ended',
        finish,
        text: words,
        usage: { promptTokens: 20, answerTokens: words.length, heads: tasks.length, deviceMs: 1, totalMs: 2 },
        ...(error && { error }),
        ...stamp(),
      })
    if (signal?.aborted) end('cancelled', '')
    else if (!this.scene.view) end('error', '', { code: 'no-frame', message: 'Stream 0 has no seen frame yet. Send one first.', retryable: true })
    else if (tasks.length > 0) {
      for (const task of tasks) this.#see(ask, task, text, events, stamp)
      end('stop', '')
    } else {
      const { words, points = [] } = this.scene.answers?.[text] ?? { words: ['I do not know.'] }
      for (const word of words) events.push({ type: 'answer-delta', text: word, ...stamp() })
      for (const phrase of points) this.#see(ask, 'region', phrase, events, stamp)
      end('stop', words.join(''))
    }
    return events
  }

  #see(ask: string, task: Task, query: string, events: AskEvent[], stamp: () => { seq: number; at: number; ask: string }): void {
    const thing = this.scene.things?.[query] ?? {}
    const view = this.scene.view
    const there = (thing.boxes ?? thing.spans ?? (thing.mask ? [thing.mask] : [])).length > 0
    const id = `ev_${String(this.#evidence.size + 1).padStart(10, '0')}`
    const evidence: Evidence = {
      id,
      version: 1,
      task,
      token: `<${task}>`,
      query,
      score: there ? 0.9 : 0.02,
      stream: view?.stream ?? 0,
      frame: view?.frame ?? 1,
      mediaTime: view?.mediaTime ?? 0,
      receivedAt: view?.receivedAt ?? 0,
      model: { bundle: 'scripted', hash: '0', head: task },
      ...(task === 'region' && { regions: (thing.boxes ?? []).map((box) => ({ box, score: 0.9 })) }),
      ...(task === 'mask' && thing.mask && { mask: thing.mask }),
      ...(task === 'moment' && { spans: thing.spans ?? [] }),
    }
    this.#evidence.set(id, evidence)
    events.push({ type: 'head-started', evidence: id, task, token: evidence.token, query, ...stamp() }, { type: 'head-result', evidence, ...stamp() })
  }
}

/** An answer whose events are all there. */
class ScriptedAnswer implements Answer {
  readonly ask: string
  readonly #events: AskEvent[]

  constructor(ask: string, events: AskEvent[]) {
    this.ask = ask
    this.#events = events
  }

  cancel(): void {}

  async *[Symbol.asyncIterator](): AsyncGenerator<AskEvent> {
    yield* this.#events
  }

  // oxlint-disable-next-line unicorn/no-thenable -- an answer is a promise of the whole
  then<A = AnswerResult, B = never>(
    resolved?: ((value: AnswerResult) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return Promise.resolve(this.#whole()).then(resolved, rejected)
  }

  #whole(): AnswerResult {
    const ended = this.#events.find((event) => event.type === 'answer-ended')
    if (!ended) throw new Error('A scripted answer ends.')
    const evidence = this.#events.flatMap((event) => (event.type === 'head-result' ? [event.evidence] : []))
    return { ask: this.ask, text: ended.text, evidence, finish: ended.finish, usage: ended.usage, ...(ended.error && { error: ended.error }) }
  }
}
