import { toProtocolError } from '@fovea/protocol'
import type { ErrorCode, Problem } from '@fovea/protocol'
import { HTTPException } from 'hono/http-exception'
import { ProtocolError } from '@fovea/protocol'

const STATUS: Record<ErrorCode, number> = {
  'invalid-message': 400,
  'frame-number': 400,
  'unknown-stream': 404,
  'unknown-id': 404,
  'id-taken': 409,
  'too-large': 413,
  'too-many': 429,
  rate: 429,
  'no-frame': 409,
  'frame-gone': 404,
  unavailable: 503,
  unsupported: 501,
  deadline: 504,
  cancelled: 409,
  undecodable: 422,
  unauthorised: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  internal: 500,
}

/** Any error as problem+json (RFC 9457). What is not ours is told without its words. */
export function problemResponse(thrown: unknown): Response {
  const error =
    thrown instanceof HTTPException
      ? new ProtocolError(thrown.status === 413 ? 'too-large' : 'invalid-message', thrown.message || 'This request cannot be read.')
      : toProtocolError(thrown)
  const { code, message, ...rest } = error.body()
  const status = STATUS[code]
  const problem: Problem = { type: `https://fovea.dev/problems/${code}`, title: code.replaceAll('-', ' '), status, detail: message, code, ...rest }
  const headers = new Headers({ 'content-type': 'application/problem+json' })
  if (rest.retryAfterMs !== undefined) headers.set('retry-after', String(Math.ceil(rest.retryAfterMs / 1000)))
  if (status === 401) headers.set('www-authenticate', 'Bearer')
  return new Response(JSON.stringify(problem), { status, headers })
}
