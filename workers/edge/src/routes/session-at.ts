import { ProtocolError, SessionId } from '@fovea/protocol'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Env } from '../app.ts'
import { authenticate } from '../auth.ts'
import { Catalogue } from '../store/catalogue.ts'
import type { CatalogueSession } from '../store/catalogue.ts'

export const SessionParams = z.object({ id: SessionId.openapi({ param: { name: 'id', in: 'path' } }) })

/** A session that is not there and one of another tenant look alike. */
export function notFound(id: string): ProtocolError {
  return new ProtocolError('not-found', `There is no session ${id} here.`)
}

/** The session's door, for the tenant of the API key. */
export async function sessionAt(context: Context<Env>, id: string) {
  const { tenant } = await authenticate(context)
  const row = await sessionOf(context, id)
  if (row?.tenant !== tenant) throw notFound(id)
  return { row, stub: context.env.SESSION.getByName(id) }
}

export async function sessionOf(context: Context<Env>, id: string): Promise<CatalogueSession | undefined> {
  return SessionId.safeParse(id).success ? new Catalogue(context.env.DB).session(id) : undefined
}
