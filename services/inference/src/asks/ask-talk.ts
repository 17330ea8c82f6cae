import { toProtocolError, type AskBody, type ErrorBody, type Evidence, type Finish, type FromBackend, type ModelInfo } from '@fovea/protocol'
import { evidenceId } from '../evidence-id.ts'
import type { Head, HeadTask, Scene, Sight, View, Window } from '../heads/head.ts'
import { SlotFull, type Opening, type Talk, type Wish } from '../lanes/talk.ts'
import { Late } from '../lanes/decode-lane.ts'
import { stack } from '../model/tensor.ts'
import type { LanguageModel, Step } from '../model/vision-model.ts'
import type { Kept } from '../stream-memory.ts'
import { Answer } from './answer.ts'
import { Deltas } from './deltas.ts'
import { Survey } from './survey.ts'

/** What an ask looks at: the window, and the frame its evidence is about. */
export type Sightline = {
  stream: number
  window: Window
  last: Kept
  scene: () => Promise<Scene>
  /** of a long range, the windows that heads of many frames look at one by one */
  parts: readonly (() => Promise<Window>)[]
}
export type AskOptions = {
  session: string
  body: AskBody
  arrivedAt: number
  model: { language: LanguageModel; heads: readonly Head[]; info: ModelInfo }
  sightline: () => Promise<Sightline>
  say: (message: FromBackend) => void
  clock: () => number
  ended: () => void
}
type Looking = { head: Head; evidence: string; query: string; words?: [number, number] }

/** One running ask [AS2]: words and evidence in the order the model gives them, exactly one `answer-ended`. */
export class AskTalk implements Talk {
  readonly session: string
  readonly cost = 1
  readonly deadline: number | undefined
  readonly #options: AskOptions
  readonly #answer: Answer
  readonly #deltas: Deltas
  readonly #forced: HeadTask[]
  #sightline: Sightline | undefined
  #looking: Looking | undefined
  #survey: Survey | undefined
  #promptLength: number | undefined
  #forcedText = ''
  #heads = 0
  #deviceMs = 0
  #firstWord: number | undefined
  #over = false

  constructor(options: AskOptions) {
    const { session, body, arrivedAt, model, say, clock } = options
    this.#options = options
    this.session = session
    this.deadline = body.deadlineMs === undefined ? undefined : arrivedAt + body.deadlineMs
    // Heads of many frames come last: over a long range each of their windows takes the place of the first prompt.
    const many = (task: HeadTask): number => Number(model.heads.find((head) => head.task === task)?.needsWindow ?? false)
    this.#forced = (body.tasks ?? []).toSorted((a, b) => many(a) - many(b))
    this.#answer = new Answer(model.language, body.text)
    this.#deltas = new Deltas({
      clock,
      emit: (text) => {
        this.#firstWord ??= clock()
        say({ type: 'answer-delta', ask: body.ask, text })
      },
    })
  }

  get over(): boolean {
    if (!this.#over && this.deadline !== undefined && this.#options.clock() > this.deadline) this.end('deadline')
    return this.#over
  }

  async open(): Promise<Opening> {
    this.#sightline = await this.#options.sightline()
    const { text, boxes } = this.#options.body
    return { window: this.#sightline.window, text, boxes }
  }

  async hear(step: Step, length: number): Promise<Wish> {
    this.#promptLength ??= length
    const { body, model } = this.#options
    if (this.#looking) {
      if (this.#survey?.opened) {
        this.#survey.opened = false
        return { feed: model.language.forced(body.text, this.#looking.head.task) }
      }
      const next = await this.#look(this.#looking, step)
      if (next) return { window: next, text: body.text, boxes: body.boxes }
    }
    if (body.tasks) return this.#force()
    const reading = this.#answer.read(step.next)
    switch (reading.do) {
      case 'go-on':
        this.#deltas.update(this.#answer.text)
        return { feed: [step.next] }
      case 'look': {
        const token = model.language.taskToken(reading.task)
        if (token === undefined || !this.#start(reading.task, reading.query, reading.words)) return { feed: [step.next] }
        return { feed: [step.next, token] }
      }
      case 'end':
        this.end(reading.finish)
        return 'end'
    }
  }

  took(ms: number): void {
    this.#deviceMs += ms
  }

  fail(error: unknown): void {
    if (error instanceof Late) return this.end('deadline')
    // Words that end where the slot does are an answer cut short; evidence that was asked for and does not fit is none.
    if (error instanceof SlotFull && !this.#options.body.tasks) return this.end('length')
    this.end('error', toProtocolError(error).body())
  }

  /** Ends the ask once; later calls are nothing. */
  end(finish: Finish, error?: ErrorBody): void {
    if (this.#over) return
    this.#over = true
    const { body, say, clock, arrivedAt, ended } = this.#options
    const text = body.tasks ? this.#forcedText : this.#answer.text
    this.#deltas.flush(text)
    say({
      type: 'answer-ended',
      ask: body.ask,
      finish,
      text,
      ...(error ? { error } : {}),
      usage: {
        promptTokens: this.#promptLength ?? 0,
        answerTokens: this.#answer.tokens,
        heads: this.#heads,
        deviceMs: whole(this.#deviceMs),
        totalMs: whole(clock() - arrivedAt),
        ...(this.#firstWord === undefined ? {} : { firstWordMs: whole(this.#firstWord - arrivedAt) }),
      },
    })
    ended()
  }

  /** The heads that the ask forces, each on the prompt alone, as a standing query is compiled. */
  async #force(): Promise<Wish> {
    const { body, model } = this.#options
    const task = this.#forced.shift()
    if (!task) {
      this.end('stop')
      return 'end'
    }
    this.#forcedText = body.text
    this.#deltas.flush(this.#forcedText)
    if (!this.#start(task, body.text, [0, body.text.length])) return this.#force()
    if (this.#looking?.head.needsWindow && this.#sightline && this.#sightline.parts.length > 0) {
      this.#survey = new Survey(this.#sightline.parts)
      const first = await this.#survey.open()
      if (first) return { window: first, text: body.text, boxes: body.boxes }
    }
    return { feed: model.language.forced(body.text, task), rewindTo: this.#promptLength }
  }

  #start(task: HeadTask, query: string, words?: [number, number]): boolean {
    const { model, say, body } = this.#options
    const head = model.heads.find((each) => each.task === task)
    if (!head) return false
    this.#looking = { head, evidence: evidenceId(), query, words }
    this.#deltas.flush(body.tasks ? this.#forcedText : this.#answer.text)
    say({ type: 'head-started', ask: body.ask, evidence: this.#looking.evidence, task, token: head.token.trigger, query })
    return true
  }

  /** The head on what is in view; returns the next window of a survey, or tells the evidence. */
  async #look(looking: Looking, step: Step): Promise<Window | undefined> {
    const { head } = looking
    const line = this.#sightline
    if (!line) throw new Error('An ask looks after it was opened.')
    const start = this.#options.clock()
    const view: View = { scene: await line.scene(), window: this.#survey?.window ?? line.window, size: { height: line.last.height, width: line.last.width } }
    const [sight] = await head.run(view, stack([step.hidden]))
    if (!sight) throw new Error(`Head ${head.task} gave no sight.`)
    this.took(this.#options.clock() - start)
    this.#heads++
    this.#survey?.add(sight)
    const next = await this.#survey?.open()
    if (!next) this.#tell(looking, line, this.#survey?.merged() ?? sight)
    return next
  }

  #tell({ head, evidence: id, query, words }: Looking, { last, stream }: Sightline, sight: Sight): void {
    this.#looking = undefined
    this.#survey = undefined
    const { say, body, model } = this.#options
    const { consistency: _consistency, ...seen } = sight
    const evidence: Evidence = {
      id,
      version: 1,
      task: head.task,
      token: head.token.trigger,
      query,
      ...seen,
      stream,
      frame: last.frame,
      mediaTime: last.mediaTime,
      receivedAt: last.receivedAt,
      model: { bundle: model.info.name, hash: model.info.hash, head: head.task },
      ...(words ? { words } : {}),
    }
    say({ type: 'head-result', ask: body.ask, evidence })
  }
}

const whole = (ms: number): number => Math.max(0, Math.round(ms * 10) / 10)
