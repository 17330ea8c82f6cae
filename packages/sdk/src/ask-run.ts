import { ProtocolError } from '@fovea/protocol'
import type { Answer, AnswerResult, AskEvent, Evidence } from '@fovea/protocol'
import { Run } from './run.ts'

/** One ask: words and evidence as they come, the whole answer as a promise [AS2] [AS3]. */
export class AskRun extends Run<AskEvent, AnswerResult> implements Answer {
  readonly ask: string
  readonly #cancel: () => void
  #evidence: Evidence[] = []

  constructor(ask: string, cancel: () => void) {
    super()
    this.ask = ask
    this.#cancel = cancel
  }

  cancel(): void {
    if (!this.ended) this.#cancel()
  }

  /** @internal */
  take(event: AskEvent): void {
    if (event.type === 'head-result') this.#evidence.push(event.evidence)
    this.push(event)
    if (event.type !== 'answer-ended') return
    const { ask, text, finish, usage, error } = event
    this.finish({ ask, text, finish, usage, evidence: this.#evidence, ...(error && { error }) })
  }
}

/** The one piece of evidence of an ask whose head was forced; what went wrong, thrown. */
export async function onlyEvidence(answer: Answer): Promise<Evidence> {
  const { evidence, finish, error } = await answer
  if (error) throw new ProtocolError(error.code, error.message, error)
  const [first] = evidence
  if (first) return first
  if (finish === 'cancelled' || finish === 'deadline')
    throw new ProtocolError(finish, `The ask ended (${finish}) before its head had answered.`, { retryable: true })
  throw new ProtocolError('unsupported', 'The answer came without evidence: this model has no head for the task that was asked for.')
}
