import { ClientId, WorkflowCreate, WorkflowResult } from '@fovea/protocol'
import { createRoute, z } from '@hono/zod-openapi'
import { newRouter } from '../app.ts'
import { newId } from '../session/new-id.ts'
import { valueOf } from '../session/outcome.ts'
import { lastEventId, openStream } from './asks.ts'
import { JsonRecord } from './json-value.ts'
import { problems } from './problems.ts'
import { sessionAt, SessionParams } from './session-at.ts'

const Create = WorkflowCreate.extend({ input: JsonRecord.optional() })
const Result = WorkflowResult.extend({ output: JsonRecord })
const RunParams = SessionParams.extend({ run: ClientId.openapi({ param: { name: 'run', in: 'path' } }) })

const create = createRoute({
  method: 'post',
  path: '/v1/sessions/{id}/workflows',
  operationId: 'startWorkflow',
  summary: 'Runs a workflow at the edge; its outcome as JSON, or its events with `Accept: text/event-stream`. The same id never runs twice',
  request: { params: SessionParams, body: { content: { 'application/json': { schema: Create } }, required: true } },
  responses: {
    200: { description: 'What each step found', content: { 'application/json': { schema: Result }, 'text/event-stream': { schema: z.string() } } },
    ...problems,
  },
})
const cancel = createRoute({
  method: 'delete',
  path: '/v1/sessions/{id}/workflows/{run}',
  operationId: 'cancelWorkflow',
  summary: 'Cancels a workflow run',
  request: { params: RunParams },
  responses: { 202: { description: 'It is over' }, ...problems },
})

export function workflowRoutes() {
  const app = newRouter()
  app.openapi(create, async (context) => {
    const { run = newId('run'), ...body } = context.req.valid('json')
    const { stub } = await sessionAt(context, context.req.valid('param').id)
    if (context.req.header('accept')?.includes('text/event-stream')) {
      const before = valueOf(await stub.startRun({ type: 'workflow-start', run, ...body }))
      const after = Math.max(before, lastEventId(context.req.header('last-event-id')))
      return openStream(stub.fetch(`https://session/events?${new URLSearchParams({ run, after: String(after) })}`))
    }
    return context.json(WorkflowResult.parse(JSON.parse(valueOf(await stub.runToEnd({ type: 'workflow-start', run, ...body })))), 200)
  })
  app.openapi(cancel, async (context) => {
    const { id, run } = context.req.valid('param')
    valueOf(await (await sessionAt(context, id)).stub.cancelRun({ type: 'workflow-cancel', run }))
    return context.body(null, 202)
  })
  return app
}
