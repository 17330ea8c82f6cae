import { AskCreate, AskResult, ClientId, ProtocolError } from '@fovea/protocol'
import { createRoute, z } from '@hono/zod-openapi'
import { newRouter } from '../app.ts'
import { newId } from '../session/new-id.ts'
import { valueOf } from '../session/outcome.ts'
import { problems } from './problems.ts'
import { sessionAt, SessionParams } from './session-at.ts'

const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } })
const AskParams = SessionParams.extend({ ask: ClientId.openapi({ param: { name: 'ask', in: 'path' } }) })

const create = createRoute({
  method: 'post',
  path: '/v1/sessions/{id}/asks',
  operationId: 'ask',
  summary: 'Asks; the answer as JSON when it is whole, or as its events with `Accept: text/event-stream` [AS6]',
  request: { params: SessionParams, body: { content: json(AskCreate), required: true } },
  responses: { 200: { description: 'The answer', content: { ...json(AskResult), 'text/event-stream': { schema: z.string() } } }, ...problems },
})
const read = createRoute({
  method: 'get',
  path: '/v1/sessions/{id}/asks/{ask}',
  operationId: 'readAsk',
  summary: 'The stored outcome of an ask',
  request: { params: AskParams },
  responses: { 200: { description: 'The answer', content: json(AskResult) }, ...problems },
})
const cancel = createRoute({
  method: 'delete',
  path: '/v1/sessions/{id}/asks/{ask}',
  operationId: 'cancelAsk',
  summary: 'Cancels an ask [AS4]',
  request: { params: AskParams },
  responses: { 202: { description: 'It stops within one step; its `answer-ended` says so' }, ...problems },
})

export function askRoutes() {
  const app = newRouter()
  app.openapi(create, async (context) => {
    const { id } = context.req.valid('param')
    const { ask = newId('a'), ...body } = context.req.valid('json')
    const { stub } = await sessionAt(context, id)
    if (context.req.header('accept')?.includes('text/event-stream')) {
      valueOf(await stub.startAsk({ ask, ...body }))
      return openStream(stub.fetch(`https://session/events?${new URLSearchParams({ ask, after: String(lastEventId(context.req.header('last-event-id'))) })}`))
    }
    return context.json(AskResult.parse(valueOf(await stub.ask({ ask, ...body }))), 200)
  })
  app.openapi(read, async (context) => {
    const { id, ask } = context.req.valid('param')
    const { known, result } = await (await sessionAt(context, id)).stub.askResult(ask)
    if (!known) throw new ProtocolError('unknown-id', `There is no ask ${ask} in this session.`)
    if (!result)
      throw new ProtocolError('conflict', `Ask ${ask} still runs. Its events are at /v1/sessions/${id}/events.`, { retryable: true, retryAfterMs: 1000 })
    return context.json(AskResult.parse(result), 200)
  })
  app.openapi(cancel, async (context) => {
    const { id, ask } = context.req.valid('param')
    valueOf(await (await sessionAt(context, id)).stub.cancelAsk(ask))
    return context.body(null, 202)
  })
  return app
}

/** A Durable Object's response with headers that middleware may add to. */
export async function openStream(response: Promise<Response>): Promise<Response> {
  const { body, status, headers } = await response
  return new Response(body, { status, headers: new Headers(headers) })
}

/** The number of the last event a reader has; 0 where it has none. */
export function lastEventId(header: string | undefined): number {
  if (header === undefined || header === '') return 0
  const seq = Number(header)
  if (!Number.isSafeInteger(seq) || seq < 0) throw new ProtocolError('invalid-message', `Last-Event-ID is the number of an event; ${header.slice(0, 40)} came.`)
  return seq
}
