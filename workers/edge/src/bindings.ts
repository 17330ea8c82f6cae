import { DEFAULT_LIMITS, Limits, ProtocolError } from '@fovea/protocol'
import type { PoolObject } from './pool/pool-object.ts'
import type { SessionObject } from './session/session-object.ts'

/** What wrangler.toml (or the house) gives this Worker. */
export type Bindings = {
  SESSION: DurableObjectNamespace<SessionObject>
  POOL: DurableObjectNamespace<PoolObject>
  DB: D1Database
  ASSETS: Fetcher
  /** signs tickets; at least 32 characters */
  TICKET_SECRET: string
  /** comma-separated origins that may open sockets from a browser, beside this Worker's own */
  ALLOWED_ORIGINS?: string
  /** 'on': the page on this origin gets a cookie that can create sessions and tickets, nothing else */
  STUDIO?: string
  /** tenant of the studio's sessions */
  STUDIO_TENANT?: string
  CHAT_BASE_URL?: string
  CHAT_API_KEY?: string
  CHAT_MODEL?: string
  /** JSON: limits that differ from the defaults */
  LIMITS?: string
  /** open sessions of one tenant, where the catalogue does not say otherwise for it */
  MAX_SESSIONS?: string
}

const DEFAULT_MAX_SESSIONS = 1000

/** The only PoolObject. */
export const POOL_NAME = 'pool'

/** The limits of a session, with what the deployment overrides. */
export function limitsOf(bindings: Pick<Bindings, 'LIMITS'>): Limits {
  if (!bindings.LIMITS) return DEFAULT_LIMITS
  const parsed = Limits.partial().safeParse(JSON.parse(bindings.LIMITS))
  if (!parsed.success) throw new ProtocolError('internal', `LIMITS is JSON of the protocol's limits: ${parsed.error.issues[0]?.message ?? ''}`)
  return { ...DEFAULT_LIMITS, ...parsed.data }
}

/** How many sessions a tenant may have open at once, where the catalogue has no number of its own for it. */
export function maxSessionsOf({ MAX_SESSIONS }: Pick<Bindings, 'MAX_SESSIONS'>): number {
  if (!MAX_SESSIONS) return DEFAULT_MAX_SESSIONS
  const most = Number(MAX_SESSIONS)
  if (!Number.isInteger(most) || most < 1) throw new ProtocolError('internal', `MAX_SESSIONS is a whole number above 0; it was ${MAX_SESSIONS.slice(0, 20)}.`)
  return most
}
