import { ClientId, TurnCreate, TurnResult } from '@fovea/protocol'
import { createRoute, z } from '@hono/zod-openapi'
import { newRouter } from '../app.ts'
import { newId } from '../session/new-id.ts'
import { valueOf } from '../session/outcome.ts'
import { lastEventId, openStream } from './asks.ts'
import { problems } from './problems.ts'
import { sessionAt, SessionParams } from './session-at.ts'

const TurnParams = SessionParams.extend({ turn: ClientId.openapi({ param: { name: 'turn', in: 'path' } }) })

const create = createRoute({
  method: 'post',
  path: '/v1/sessions/{id}/turns',
  operationId: 'startTurn',
  summary: 'Runs an agent turn at the edge; its outcome as JSON, or its events with `Accept: text/event-stream`. The same id never runs twice',
  request: { params: SessionParams, body: { content: { 'application/json': { schema: TurnCreate } }, required: true } },
  responses: {
    200: {
      description: 'What the agent said, and the evidence it rests on',
      content: { 'application/json': { schema: TurnResult }, 'text/event-stream': { schema: z.string() } },
    },
    ...problems,
  },
})
const cancel = createRoute({
  method: 'delete',
  path: '/v1/sessions/{id}/turns/{turn}',
  operationId: 'cancelTurn',
  summary: 'Cancels a turn',
  request: { params: TurnParams },
  responses: { 202: { description: 'It is over' }, ...problems },
})

export function turnRoutes() {
  const app = newRouter()
  app.openapi(create, async (context) => {
    const { turn = newId('turn'), ...body } = context.req.valid('json')
    const { stub } = await sessionAt(context, context.req.valid('param').id)
    if (context.req.header('accept')?.includes('text/event-stream')) {
      const before = valueOf(await stub.startRun({ type: 'turn-start', turn, ...body }))
      const after = Math.max(before, lastEventId(context.req.header('last-event-id')))
      return openStream(stub.fetch(`https://session/events?${new URLSearchParams({ run: turn, after: String(after) })}`))
    }
    return context.json(TurnResult.parse(JSON.parse(valueOf(await stub.runToEnd({ type: 'turn-start', turn, ...body })))), 200)
  })
  app.openapi(cancel, async (context) => {
    const { id, turn } = context.req.valid('param')
    valueOf(await (await sessionAt(context, id)).stub.cancelRun({ type: 'turn-cancel', turn }))
    return context.body(null, 202)
  })
  return app
}
