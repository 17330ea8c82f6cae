import { ProtocolError } from '@fovea/protocol'
import { fill } from '../references.ts'
import { stepKind } from '../step.ts'

/** Asks in free words. Gives `text`, `finish` and the ids of the evidence it pointed at. */
export const ask = stepKind({
  kind: 'ask',
  gives: ['text', 'finish', 'evidence'],
  texts: (step) => [step.text],
  async run(step, { session, known, id, signal }) {
    const { text, evidence, finish, error } = await session.ask(fill(step.text, known), { stream: step.stream, at: step.at, id, signal })
    if (error) throw new ProtocolError(error.code, error.message, { retryable: error.retryable })
    return { output: { text, finish, evidence: evidence.map((one) => one.id) } }
  },
})
