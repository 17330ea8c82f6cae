import type { ErrorBody, ErrorCode } from './error.ts'

type Details = {
  retryable?: boolean
  retryAfterMs?: number
  expected?: string | number
  got?: string | number
  retained?: { from: number; to: number }
  cause?: unknown
}

/** The error that may travel: a code, a message for the reader, and whether trying again can help. Imports no schema, so a browser bundle stays small. */
export class ProtocolError extends Error {
  readonly code: ErrorCode
  readonly details: Omit<Details, 'cause'>

  constructor(code: ErrorCode, message: string, { cause, ...details }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ProtocolError'
    this.code = code
    this.details = details
  }

  body(): ErrorBody {
    return { code: this.code, message: this.message, retryable: this.details.retryable ?? false, ...this.details }
  }
}

/** Anything thrown, as an error that may travel; what is not ours becomes `internal` without its words. */
export function toProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error
  return new ProtocolError('internal', 'Something failed on our side. The session goes on; try again.', { retryable: true, cause: error })
}
