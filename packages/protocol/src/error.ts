import { z } from 'zod'
import { Duration } from './units.ts'

/** Every error code that crosses the wire. */
export const ErrorCode = z.enum([
  'invalid-message',
  'frame-number',
  'unknown-stream',
  'unknown-id',
  'id-taken',
  'too-large',
  'too-many',
  'rate',
  'no-frame',
  'frame-gone',
  'unavailable',
  'unsupported',
  'deadline',
  'cancelled',
  'undecodable',
  'unauthorised',
  'forbidden',
  'not-found',
  'conflict',
  'internal',
])
export type ErrorCode = z.infer<typeof ErrorCode>

/** What went wrong, in words that say what was expected, what came and what to do. */
export const ErrorBody = z.strictObject({
  code: ErrorCode,
  message: z.string(),
  retryable: z.boolean(),
  retryAfterMs: Duration.optional(),
  expected: z.union([z.string(), z.number()]).optional(),
  got: z.union([z.string(), z.number()]).optional(),
  retained: z.strictObject({ from: z.number(), to: z.number() }).optional().describe('frames still kept, where a frame was asked for that is gone'),
})
export type ErrorBody = z.infer<typeof ErrorBody>

/** `error`: the only refusal message of the socket. `of` names what was refused (an ask, watch, track, turn, run or request id; `stream/N` for a stream). */
export const ErrorMessage = ErrorBody.extend({ type: z.literal('error'), of: z.string().optional() })
export type ErrorMessage = z.infer<typeof ErrorMessage>

/** The same over HTTP (RFC 9457, application/problem+json). */
export const Problem = ErrorBody.extend({ type: z.string(), title: z.string(), status: z.int(), detail: z.string(), instance: z.string().optional() }).omit({
  message: true,
})
export type Problem = z.infer<typeof Problem>
