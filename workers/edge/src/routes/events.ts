import { createRoute, z } from '@hono/zod-openapi'
import { newRouter } from '../app.ts'
import { lastEventId, openStream } from './asks.ts'
import { problems } from './problems.ts'
import { sessionAt, SessionParams } from './session-at.ts'

const read = createRoute({
  method: 'get',
  path: '/v1/sessions/{id}/events',
  operationId: 'readEvents',
  summary: 'The event log as server-sent events; `Last-Event-ID` continues it [EV3]',
  request: { params: SessionParams },
  responses: { 200: { description: 'Events as they come', content: { 'text/event-stream': { schema: z.string() } } }, ...problems },
})

export function eventRoutes() {
  const app = newRouter()
  app.openapi(read, async (context) => {
    const { stub } = await sessionAt(context, context.req.valid('param').id)
    return openStream(stub.fetch(`https://session/events?${new URLSearchParams({ after: String(lastEventId(context.req.header('last-event-id'))) })}`))
  })
  return app
}
