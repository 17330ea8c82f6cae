import { ModelInfo } from '@fovea/protocol'
import { createRoute, z } from '@hono/zod-openapi'
import { newRouter } from '../app.ts'
import { authenticate } from '../auth.ts'
import { POOL_NAME } from '../bindings.ts'
import { Catalogue } from '../store/catalogue.ts'
import { problems } from './problems.ts'

const DAY_MS = 86_400_000
const UsageOfDay = z.strictObject({
  day: z.string(),
  frames: z.int(),
  asks: z.int(),
  promptTokens: z.int(),
  answerTokens: z.int(),
  heads: z.int(),
  deviceMs: z.int(),
})
const Backend = z.strictObject({
  backend: z.string(),
  models: z.array(ModelInfo),
  capacity: z.int(),
  sessions: z.int(),
  modelThread: z.enum(['starting', 'ready', 'hung']),
})

const usage = createRoute({
  method: 'get',
  path: '/v1/usage',
  operationId: 'readUsage',
  summary: 'What the tenant used, by UTC day',
  request: { query: z.object({ days: z.coerce.number().int().min(1).max(90).default(30) }) },
  responses: { 200: { description: 'Usage', content: { 'application/json': { schema: z.strictObject({ usage: z.array(UsageOfDay) }) } } }, ...problems },
})
const backends = createRoute({
  method: 'get',
  path: '/v1/backends',
  operationId: 'listBackends',
  summary: 'Backends that are connected now',
  responses: { 200: { description: 'Backends', content: { 'application/json': { schema: z.strictObject({ backends: z.array(Backend) }) } } }, ...problems },
})

export function usageRoutes() {
  const app = newRouter()
  app.openapi(usage, async (context) => {
    const { tenant } = await authenticate(context)
    const { days } = context.req.valid('query')
    const rows = await new Catalogue(context.env.DB).usageSince(tenant, Date.now() - (days - 1) * DAY_MS)
    return context.json(
      {
        usage: rows.map(({ day, frames, asks, promptTokens, answerTokens, heads, deviceMs }) => ({
          day,
          frames,
          asks,
          promptTokens,
          answerTokens,
          heads,
          deviceMs,
        })),
      },
      200,
    )
  })
  app.openapi(backends, async (context) => {
    await authenticate(context)
    return context.json({ backends: z.array(Backend).parse(await context.env.POOL.getByName(POOL_NAME).members()) }, 200)
  })
  return app
}
