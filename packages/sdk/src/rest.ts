import { ProtocolError } from '@fovea/protocol'
import type { ErrorCode } from '@fovea/protocol'

const ANSWER_MS = 20_000

/** The HTTP side of an edge: JSON in, JSON out, refusals as ProtocolError (RFC 9457). */
export class Rest {
  readonly #url: URL
  readonly #key: string | undefined

  /** Without a key the request carries the page's own cookie, which a local edge gives its studio. */
  constructor(url: string | URL, key: string | undefined) {
    this.#url = new URL(url)
    this.#key = key
  }

  async post<T>(path: string, body: unknown, accept: (value: unknown) => value is T): Promise<T> {
    const value = await this.#request('POST', path, body)
    if (accept(value)) return value
    throw new ProtocolError('internal', `${path} answered with something else than expected. Is ${this.#url.origin} a Fovea edge of this version?`)
  }

  /** The JSON at a path, or undefined where there is none (404). */
  async find<T>(path: string, accept: (value: unknown) => value is T): Promise<T | undefined> {
    try {
      const value = await this.#request('GET', path)
      return accept(value) ? value : undefined
    } catch (error) {
      if (error instanceof ProtocolError && (error.code === 'not-found' || error.code === 'unknown-id')) return undefined
      throw error
    }
  }

  async #request(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (this.#key) headers.authorization = `Bearer ${this.#key}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    let response: Response
    try {
      const signal = AbortSignal.timeout(ANSWER_MS)
      response = await fetch(new URL(path, this.#url), { method, headers, body: body === undefined ? null : JSON.stringify(body), signal })
    } catch (cause) {
      throw new ProtocolError('unavailable', `${this.#url.origin} cannot be reached. Is it running? Locally: npm start.`, { retryable: true, cause })
    }
    const value: unknown = await response.json().catch(() => undefined)
    if (response.ok) return value
    throw problem(response.status, value)
  }
}

const BY_STATUS: Record<number, ErrorCode> = {
  400: 'invalid-message',
  401: 'unauthorised',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  413: 'too-large',
  429: 'rate',
  503: 'unavailable',
}

function problem(status: number, value: unknown): ProtocolError {
  const body = typeof value === 'object' && value !== null ? value : {}
  const known = 'code' in body && typeof body.code === 'string' && isCode(body.code) ? body.code : undefined
  const detail = 'detail' in body && typeof body.detail === 'string' ? body.detail : `The edge answered with status ${status}.`
  const retryAfterMs = 'retryAfterMs' in body && typeof body.retryAfterMs === 'number' ? { retryAfterMs: body.retryAfterMs } : {}
  const retryable = 'retryable' in body && typeof body.retryable === 'boolean' ? body.retryable : status >= 500 || status === 429
  return new ProtocolError(known ?? BY_STATUS[status] ?? 'internal', detail, { retryable, ...retryAfterMs })
}

const CODES: Record<ErrorCode, true> = {
  'invalid-message': true,
  'frame-number': true,
  'unknown-stream': true,
  'unknown-id': true,
  'id-taken': true,
  'too-large': true,
  'too-many': true,
  rate: true,
  'no-frame': true,
  'frame-gone': true,
  unavailable: true,
  unsupported: true,
  deadline: true,
  cancelled: true,
  undecodable: true,
  unauthorised: true,
  forbidden: true,
  'not-found': true,
  conflict: true,
  internal: true,
}

function isCode(value: string): value is ErrorCode {
  return Object.hasOwn(CODES, value)
}
