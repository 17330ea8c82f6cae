import {
  ProtocolError,
  SessionCreate,
  SessionCreated,
  SessionId,
  SessionInfo,
  SUBPROTOCOL,
  TICKET_PREFIX,
  TicketCreate,
  TicketCreated,
  WallTime,
} from '@fovea/protocol'
import type { Role } from '@fovea/protocol'
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { newRouter } from '../app.ts'
import type { Env } from '../app.ts'
import { authenticate, hashKey } from '../auth.ts'
import { maxSessionsOf } from '../bindings.ts'
import { newId } from '../session/new-id.ts'
import { Tickets } from '../session/tickets.ts'
import { Catalogue } from '../store/catalogue.ts'
import { problems } from './problems.ts'
import { notFound, sessionAt, sessionOf, SessionParams } from './session-at.ts'

const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } })
const SessionList = z.strictObject({
  sessions: z.array(z.strictObject({ session: SessionId, name: z.string().optional(), createdAt: WallTime, endedAt: WallTime.optional() })),
  before: WallTime.optional(),
})

const create = createRoute({
  method: 'post',
  path: '/v1/sessions',
  operationId: 'createSession',
  summary: 'Opens a session [SE1]',
  request: { body: { content: json(SessionCreate), required: false } },
  responses: { 201: { description: 'The session, with a ticket for its first socket', content: json(SessionCreated) }, ...problems },
})
const list = createRoute({
  method: 'get',
  path: '/v1/sessions',
  operationId: 'listSessions',
  summary: 'Sessions, newest first; with `open=true` those that have not ended',
  request: {
    query: z.object({ before: z.coerce.number().optional(), limit: z.coerce.number().int().min(1).max(100).default(50), open: z.stringbool().default(false) }),
  },
  responses: { 200: { description: 'A page of sessions; `before` continues it', content: json(SessionList) }, ...problems },
})
const read = createRoute({
  method: 'get',
  path: '/v1/sessions/{id}',
  operationId: 'readSession',
  summary: 'One session',
  request: { params: SessionParams },
  responses: { 200: { description: 'The session', content: json(SessionInfo) }, ...problems },
})
const end = createRoute({
  method: 'delete',
  path: '/v1/sessions/{id}',
  operationId: 'endSession',
  summary: 'Ends a session',
  request: { params: SessionParams },
  responses: { 204: { description: 'It has ended' }, ...problems },
})
const ticket = createRoute({
  method: 'post',
  path: '/v1/sessions/{id}/tickets',
  operationId: 'createTicket',
  summary: 'A ticket for one more socket: with the resume key, or with an API key and a role [SE1]',
  request: { params: SessionParams, body: { content: json(TicketCreate), required: false } },
  responses: { 201: { description: 'A ticket, for one use within a minute', content: json(TicketCreated) }, ...problems },
})

export function sessionRoutes() {
  const app = newRouter()
  app.openapi(create, async (context) => {
    const { tenant } = await authenticate(context, { studio: true })
    const { name, model } = await optionalBody(context, SessionCreate)
    const id = newId('s')
    const resumeKey = newId('r') + newId('')
    const now = Date.now()
    const added = await new Catalogue(context.env.DB).addSession(
      { id, tenant, name: name ?? null, model: model ?? null, resumeHash: await hashKey(resumeKey), createdAt: now },
      maxSessionsOf(context.env),
    )
    if (added.full) throw tooMany(added.limit)
    await context.env.SESSION.getByName(id).create({ id, tenant, name: name ?? null, wants: model ?? null, createdAt: now })
    const { wsUrl, protocols } = await admit(context, id, 'owner')
    return context.json({ session: id, wsUrl, protocols, resumeKey }, 201)
  })
  app.openapi(list, async (context) => {
    const { tenant } = await authenticate(context)
    const { before, limit, open } = context.req.valid('query')
    const rows = await new Catalogue(context.env.DB).sessions(tenant, { before, limit, open })
    const last = rows.length === limit ? rows.at(-1) : undefined
    const sessions = rows.map(({ id, name, createdAt, endedAt }) => ({
      session: id,
      ...(name !== null && { name }),
      createdAt,
      ...(endedAt !== null && { endedAt }),
    }))
    return context.json({ sessions, ...(last && { before: last.createdAt }) }, 200)
  })
  app.openapi(read, async (context) => {
    const { id } = context.req.valid('param')
    const info = await (await sessionAt(context, id)).stub.info()
    if (!info) throw notFound(id)
    return context.json(info, 200)
  })
  app.openapi(end, async (context) => {
    const { id } = context.req.valid('param')
    const { row, stub } = await sessionAt(context, id)
    await stub.end('ended over HTTP')
    // The session tells the catalogue itself, but for one whose object was never made, or whose word was lost.
    if (row.endedAt === null) await new Catalogue(context.env.DB).endSession(id, Date.now())
    return context.body(null, 204)
  })
  app.openapi(ticket, async (context) => {
    const { id } = context.req.valid('param')
    const { resumeKey, role = 'owner' } = await optionalBody(context, TicketCreate)
    const row = await sessionOf(context, id)
    if (resumeKey !== undefined) {
      if (!row || row.resumeHash !== (await hashKey(resumeKey))) throw notFound(id)
    } else {
      const { tenant } = await authenticate(context, { studio: true })
      if (row?.tenant !== tenant) throw notFound(id)
    }
    const { wsUrl, protocols, expiresAt } = await admit(context, id, role)
    return context.json({ wsUrl, protocols, expiresAt }, 201)
  })
  return app
}

function tooMany(limit: number): ProtocolError {
  return new ProtocolError(
    'too-many',
    `${limit} sessions of this tenant are open, and it may have no more at once. End one with DELETE /v1/sessions/:id (GET /v1/sessions?open=true lists them), or ask the operator for a higher limit.`,
    { retryable: true, expected: limit },
  )
}

async function admit(context: Context<Env>, id: string, role: Role): Promise<{ wsUrl: string; protocols: [string, string]; expiresAt: number }> {
  const { ticket: jwt, expiresAt } = await new Tickets(context.env.TICKET_SECRET).forClient(id, role, Date.now())
  const url = new URL(`/v1/sessions/${id}/ws`, context.req.url)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return { wsUrl: url.href, protocols: [SUBPROTOCOL, `${TICKET_PREFIX}${jwt}`], expiresAt }
}

/** A body that may be left out altogether. */
async function optionalBody<Schema extends z.ZodType>(context: Context<Env>, schema: Schema): Promise<z.infer<Schema>> {
  const text = await context.req.text()
  let body: unknown = {}
  try {
    if (text.trim() !== '') body = JSON.parse(text)
  } catch {
    throw new ProtocolError('invalid-message', 'The body is JSON; this was none.')
  }
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw new ProtocolError('invalid-message', `This request is not what the route takes: ${parsed.error.issues[0]?.message ?? 'unknown'}.`)
  return parsed.data
}
