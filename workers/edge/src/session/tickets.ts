import { ProtocolError } from '@fovea/protocol'
import type { Role } from '@fovea/protocol'
import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { newId } from './new-id.ts'

/** Lives of tickets, in seconds. */
const CLIENT_SECONDS = 60
const ATTACH_SECONDS = 30
const STUDIO_SECONDS = 7 * 24 * 3600

const ClientTicket = z.object({ sub: z.string(), role: z.enum(['owner', 'viewer']), jti: z.string(), exp: z.number() })
const AttachTicket = z.object({ sub: z.string(), epoch: z.int().min(1), backend: z.string() })
const StudioTicket = z.object({ sub: z.string() })

/** `sub` is the session. */
export type ClientTicket = z.infer<typeof ClientTicket>
export type AttachTicket = z.infer<typeof AttachTicket>

/** Signed, short-lived permissions [SE1]: for a client's socket, for a backend's socket of one epoch, for the studio page. */
export class Tickets {
  readonly #key: Uint8Array

  constructor(secret: string) {
    if (secret.length < 32) throw new ProtocolError('internal', 'TICKET_SECRET holds at least 32 characters. Set it with `wrangler secret put TICKET_SECRET`.')
    this.#key = new TextEncoder().encode(secret)
  }

  async forClient(session: string, role: Role, now: number): Promise<{ ticket: string; expiresAt: number }> {
    return this.#sign('fovea-client', session, { role }, now, CLIENT_SECONDS)
  }

  async forBackend(session: string, epoch: number, backend: string, now: number): Promise<{ ticket: string; expiresAt: number }> {
    return this.#sign('fovea-attach', session, { epoch, backend }, now, ATTACH_SECONDS)
  }

  async forStudio(tenant: string, now: number): Promise<{ ticket: string; expiresAt: number }> {
    return this.#sign('fovea-studio', tenant, {}, now, STUDIO_SECONDS)
  }

  /** The ticket, or 'expired'. Throws where it was not signed here or is for something else. */
  async client(ticket: string): Promise<ClientTicket | 'expired'> {
    return this.#verify('fovea-client', ticket, ClientTicket)
  }

  async backend(ticket: string): Promise<AttachTicket | 'expired'> {
    return this.#verify('fovea-attach', ticket, AttachTicket)
  }

  async studio(ticket: string): Promise<{ sub: string } | 'expired'> {
    return this.#verify('fovea-studio', ticket, StudioTicket)
  }

  async #sign(
    audience: string,
    subject: string,
    claims: Record<string, string | number>,
    now: number,
    seconds: number,
  ): Promise<{ ticket: string; expiresAt: number }> {
    const expires = Math.floor(now / 1000) + seconds
    const ticket = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(subject)
      .setAudience(audience)
      .setJti(newId('j', now))
      .setExpirationTime(expires)
      .sign(this.#key)
    return { ticket, expiresAt: expires * 1000 }
  }

  async #verify<Ticket>(audience: string, ticket: string, schema: z.ZodType<Ticket>): Promise<Ticket | 'expired'> {
    try {
      const { payload } = await jwtVerify(ticket, this.#key, { audience, algorithms: ['HS256'] })
      return schema.parse(payload)
    } catch (error) {
      if (error instanceof errors.JWTExpired) return 'expired'
      throw new ProtocolError('unauthorised', 'This ticket was not given out by this edge. Get one from POST /v1/sessions/:id/tickets.', { cause: error })
    }
  }
}
