import { Evidence, EvidenceId, ProtocolError } from '@fovea/protocol'
import { createRoute, z } from '@hono/zod-openapi'
import { newRouter } from '../app.ts'
import { valueOf } from '../session/outcome.ts'
import { problems } from './problems.ts'
import { sessionAt, SessionParams } from './session-at.ts'

const read = createRoute({
  method: 'get',
  path: '/v1/sessions/{id}/evidence/{evidence}',
  operationId: 'readEvidence',
  summary: 'Evidence by id; with `.png` after the id, drawn over its frame while that is kept [PE4]',
  request: {
    params: SessionParams.extend({
      evidence: z
        .string()
        .regex(/^ev_[0-9A-Za-z]{10,40}(\.png)?$/)
        .openapi({ param: { name: 'evidence', in: 'path' } }),
    }),
  },
  responses: { 200: { description: 'The evidence', content: { 'application/json': { schema: Evidence }, 'image/png': { schema: z.string() } } }, ...problems },
})

export function evidenceRoutes() {
  const app = newRouter()
  app.openapi(read, async (context) => {
    const { id, evidence: name } = context.req.valid('param')
    const { stub } = await sessionAt(context, id)
    const evidenceId = EvidenceId.parse(name.replace(/\.png$/, ''))
    const evidence = await stub.evidence(evidenceId)
    if (!evidence) throw new ProtocolError('not-found', `There is no evidence ${evidenceId} in this session, or its events were trimmed.`)
    if (!name.endsWith('.png')) return context.json(Evidence.parse(evidence), 200)
    return context.body(valueOf(await stub.picture(evidence)), 200, { 'content-type': 'image/png', 'cache-control': 'private, max-age=3600' })
  })
  return app
}
