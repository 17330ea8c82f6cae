// First: it gives every zod schema that is made after it its `openapi` method.
import { OpenAPIHono } from '@hono/zod-openapi'
import { ProtocolError } from '@fovea/protocol'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import { allowedOrigin } from './auth.ts'
import type { Bindings } from './bindings.ts'
import { problemResponse } from './errors.ts'
import { askRoutes } from './routes/asks.ts'
import { eventRoutes } from './routes/events.ts'
import { evidenceRoutes } from './routes/evidence.ts'
import { internalRoutes } from './routes/internal.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { socketRoutes } from './routes/sockets.ts'
import { studioRoutes } from './routes/studio.ts'
import { turnRoutes } from './routes/turns.ts'
import { usageRoutes } from './routes/usage.ts'
import { workflowRoutes } from './routes/workflows.ts'

export type Env = { Bindings: Bindings }

const BODY_BYTES = 1024 * 1024

/** Everything the Worker answers. Sockets come first: nothing may touch the headers of their 101 responses. */
export function buildApp(): OpenAPIHono<Env> {
  const app = newRouter()
  app.onError((error) => problemResponse(error))
  app.notFound((context) => problemResponse(new ProtocolError('not-found', `There is nothing at ${new URL(context.req.url).pathname}. See /openapi.json.`)))

  app.route('/', socketRoutes())
  app.route('/', internalRoutes())

  app.use(
    '/v1/*',
    cors({
      origin: (origin, context) => (allowedOrigin(origin, context.req.url, context.env) ? origin : null),
      allowHeaders: ['authorization', 'content-type', 'last-event-id'],
      allowMethods: ['GET', 'POST', 'DELETE', 'OPTIONS'],
      maxAge: 600,
    }),
  )
  app.use('/v1/*', secureHeaders())
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: BODY_BYTES,
      onError: () => problemResponse(new ProtocolError('too-large', `A request body holds at most ${BODY_BYTES} bytes.`, { expected: BODY_BYTES })),
    }),
  )

  app.route('/', sessionRoutes())
  app.route('/', askRoutes())
  app.route('/', eventRoutes())
  app.route('/', turnRoutes())
  app.route('/', workflowRoutes())
  app.route('/', evidenceRoutes())
  app.route('/', usageRoutes())

  app.all('/v1/*', (context) => context.notFound())

  app.get('/healthz', (context) => context.json({ ok: true }))
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer', description: 'An API key.' })
  app.get('/openapi.json', (context) => context.json(describeApi(app)))
  app.route('/', studioRoutes())
  return app
}

/** The OpenAPI 3.1 document of the REST routes. */
export function describeApi(app: OpenAPIHono<Env> = buildApp()) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Fovea', version: '0.1.0', description: 'Live video in, words and measurements out.' },
    security: [{ key: [] }],
  })
}

/** A router whose bad requests are problems like all others. */
export function newRouter(): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return undefined
      const issue = result.error.issues[0]
      const where = issue && issue.path.length > 0 ? ` at ${issue.path.join('.')}` : ''
      return problemResponse(
        new ProtocolError('invalid-message', `This request is not what the route takes${where}: ${issue?.message ?? 'unknown'}.`.slice(0, 500)),
      )
    },
  })
}
