import { ProtocolError, type Evidence, type SessionEvent, type SessionReset } from '@fovea/protocol'
import type { Session } from '@fovea/sdk/browser'
import { Answers, type AnswerState } from './answers.ts'
import { AnswersView } from './answers-view.ts'
import { AskBox, type Question } from './ask-box.ts'
import type { ColourBook } from './colours.ts'
import type { Notices } from './notices.ts'

type Options = {
  session: Session
  notices: Notices
  colours: ColourBook
  now: () => number
  stream: () => number | undefined
  onAsk: () => void
  /** what the newest answer of this page rests on, as it comes */
  onFound: (evidence: readonly Evidence[]) => void
  onPoint: (evidence: readonly string[]) => void
  onPin: (evidence: string) => void
  onFollow: (evidence: Evidence) => void
}

/** Questions from the box to their answers: each stands from the moment it is asked, whatever becomes of it. */
export class Talk {
  readonly box: AskBox
  readonly #options: Options
  readonly #answers = new Answers()
  readonly #view: AnswersView
  #newest: { ask: string; cancel: () => void } | undefined

  constructor(options: Options) {
    const { now, session, ...rest } = options
    this.#options = options
    this.#view = new AnswersView({ ...rest, isConnected: () => session.connection.state === 'open' })
    this.box = new AskBox({ now, onAsk: (question) => this.#ask(question), onStop: () => this.stop() })
  }

  evidence(id: string): Evidence | undefined {
    return this.#answers.evidence(id)
  }

  take(event: SessionEvent): void {
    const answer = this.#answers.take(event)
    if (!answer) return
    this.#show(answer)
    const isFinding = event.type === 'head-result' || event.type === 'answer-ended' || event.type === 'turn-ended'
    if (isFinding && answer.ask === this.#newest?.ask) this.#options.onFound(answer.evidence)
  }

  reset(state: SessionReset['state']): void {
    this.#answers.reset(state)
    for (const answer of this.#answers.all) this.#show(answer)
  }

  /** The connection has gone or come: what waits for it says so. */
  reconnect(): void {
    for (const answer of this.#answers.all) if (answer.isPosted) this.#view.update(answer)
  }

  /** Stops the answer that runs. False where none does. */
  stop(): boolean {
    if (this.#newest && this.#answers.isRunning(this.#newest.ask)) this.#newest.cancel()
    return this.#answers.running !== undefined
  }

  #ask({ text, by, tasks, at }: Question): void {
    const { session, stream, onAsk } = this.#options
    try {
      const now = stream()
      const on = now === undefined ? {} : { stream: now }
      const run = by === 'agent' ? session.turn(text, on) : session.ask(text, { ...on, ...(tasks && { tasks }), ...(at && { at }) })
      const ask = 'ask' in run ? run.ask : run.id
      this.#newest = { ask, cancel: () => run.cancel() }
      onAsk()
      this.#show(this.#answers.post({ ask, by, question: text, tasks, look: at ?? 'now' }))
      run.then(undefined, (error: unknown) => this.#refused(ask, text, error))
    } catch (error) {
      this.#failed(text, error)
    }
  }

  /** The edge has not taken it, or it was stopped here before it could: it can be asked again. */
  #refused(ask: string, text: string, error: unknown): void {
    const isStopped = error instanceof ProtocolError && error.code === 'cancelled'
    if (!this.#answers.withdraw(ask)) return isStopped ? undefined : this.#options.notices.error('The question came to nothing', error)
    this.#view.remove(ask)
    this.box.setRunning(this.#answers.running !== undefined)
    if (isStopped) this.box.suggest(text)
    else this.#failed(text, error)
  }

  #failed(text: string, error: unknown): void {
    this.#options.notices.error('The question was not taken', error)
    this.box.suggest(text)
  }

  #show(answer: AnswerState): void {
    this.#view.update(answer)
    this.box.setRunning(this.#answers.running !== undefined)
  }
}
