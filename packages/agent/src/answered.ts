import { ProtocolError, type Answer, type AnswerResult } from '@fovea/protocol'

/** The whole answer, or the error that ended it. What came before a deadline or a cut is an answer too. */
export async function answered(answer: Answer): Promise<AnswerResult> {
  const result = await answer
  if (result.finish === 'error' || result.finish === 'cancelled') {
    const { code, message, ...details } = result.error ?? {
      code: result.finish === 'cancelled' ? 'cancelled' : 'internal',
      message: `The ask ended: ${result.finish}.`,
      retryable: false,
    }
    throw new ProtocolError(code, message, details)
  }
  return result
}
