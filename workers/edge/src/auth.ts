import { ProtocolError } from '@fovea/protocol'
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import type { Bindings } from './bindings.ts'
import { Tickets } from './session/tickets.ts'
import { Catalogue } from './store/catalogue.ts'

/** Who is calling. The studio page may create sessions and tickets, and nothing else. */
export type Principal = { tenant: string; kind: 'api' | 'studio' }

export const STUDIO_COOKIE = 'fovea_studio'
const CACHE_MS = 30_000
const CACHE_SIZE = 1000

type Found = { tenant: string; kind: 'api' | 'backend'; at: number }
// Keys seen lately by this isolate, by hash: a revoked key works for half a minute longer, and a request costs no query.
const cache = new Map<string, Found>()

/** SHA-256 in hex: the only form in which a key is kept. */
export async function hashKey(key: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The tenant behind the request's API key, or behind the studio's cookie where that is enough. */
export async function authenticate(context: Context<{ Bindings: Bindings }>, { studio = false } = {}): Promise<Principal> {
  const key = bearer(context.req.header('authorization'))
  if (key !== undefined) {
    const found = await findKey(context.env, key)
    if (found?.kind === 'api') return { tenant: found.tenant, kind: 'api' }
    throw new ProtocolError('unauthorised', 'This API key is not known here. Send `Authorization: Bearer <API key>`.')
  }
  const cookie = getCookie(context, STUDIO_COOKIE)
  if (cookie !== undefined && context.env.STUDIO === 'on') {
    if (!studio) throw new ProtocolError('forbidden', 'The studio’s cookie can create sessions and tickets only. Use an API key for the rest.')
    const ticket = await new Tickets(context.env.TICKET_SECRET).studio(cookie)
    if (ticket === 'expired') throw new ProtocolError('unauthorised', 'The studio’s cookie has expired. Load the page again.')
    checkOrigin(context.req.raw, context.env)
    return { tenant: ticket.sub, kind: 'studio' }
  }
  throw new ProtocolError('unauthorised', 'This needs an API key: `Authorization: Bearer <API key>`.')
}

/** True where the request carries the key of a backend. Returns its hash. */
export async function authenticateBackend(request: Request, env: Bindings): Promise<string> {
  const key = bearer(request.headers.get('authorization') ?? undefined)
  const found = key === undefined ? undefined : await findKey(env, key)
  if (key === undefined || found?.kind !== 'backend') throw new ProtocolError('unauthorised', 'Backends send `Authorization: Bearer <backend key>`.')
  return hashKey(key)
}

/** A browser tells where its page is from; only pages of this origin and of the allow-list may connect. Programs send no Origin. */
export function checkOrigin(request: Request, env: Pick<Bindings, 'ALLOWED_ORIGINS'>): void {
  const origin = request.headers.get('origin')
  if (origin === null || allowedOrigin(origin, request.url, env)) return
  throw new ProtocolError('forbidden', `Pages of ${origin.slice(0, 100)} may not connect here. Add it to ALLOWED_ORIGINS.`, { got: origin.slice(0, 100) })
}

export function allowedOrigin(origin: string, url: string, { ALLOWED_ORIGINS = '' }: Pick<Bindings, 'ALLOWED_ORIGINS'>): boolean {
  const allowed = ALLOWED_ORIGINS.split(',')
    .map((one) => one.trim())
    .filter(Boolean)
  if (allowed.includes(origin)) return true
  // A name that somebody points at 127.0.0.1 would be its own origin too: only a loopback address, or what is listed, is trusted as `own`.
  const own = new URL(url)
  return origin === own.origin && (isLoopback(own.hostname) || (allowed.length === 0 && own.protocol === 'https:'))
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

async function findKey(env: Bindings, key: string): Promise<Found | undefined> {
  const hash = await hashKey(key)
  const known = cache.get(hash)
  const now = Date.now()
  if (known && now - known.at < CACHE_MS) return known
  const row = await new Catalogue(env.DB).key(hash)
  if (!row) {
    cache.delete(hash)
    return undefined
  }
  const found: Found = { tenant: row.tenant, kind: row.kind, at: now }
  if (cache.size >= CACHE_SIZE) cache.clear()
  cache.set(hash, found)
  return found
}

function bearer(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer\s+(\S+)$/i.exec(header)?.[1]
}
