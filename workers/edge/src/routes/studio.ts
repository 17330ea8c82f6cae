import { getCookie, setCookie } from 'hono/cookie'
import { newRouter } from '../app.ts'
import { isLoopback, STUDIO_COOKIE } from '../auth.ts'
import { Tickets } from '../session/tickets.ts'

const WEEK_SECONDS = 7 * 24 * 3600

/** Everything else is a file. With STUDIO on, the page gets a cookie of its own origin that can create sessions and tickets [SE1]. */
export function studioRoutes() {
  const app = newRouter()
  app.get('*', async (context) => {
    const { env, req } = context
    const response = await env.ASSETS.fetch(req.raw)
    const url = new URL(req.url)
    const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false
    const listed = (env.ALLOWED_ORIGINS ?? '').split(',').some((one) => one.trim() === url.origin)
    if (env.STUDIO !== 'on' || !isPage || !(isLoopback(url.hostname) || listed)) return response
    const tickets = new Tickets(env.TICKET_SECRET)
    const known = getCookie(context, STUDIO_COOKIE)
    const valid = known !== undefined && (await tickets.studio(known).catch(() => 'expired')) !== 'expired'
    if (!valid) {
      const { ticket } = await tickets.forStudio(env.STUDIO_TENANT ?? 'local', Date.now())
      setCookie(context, STUDIO_COOKIE, ticket, { httpOnly: true, sameSite: 'Strict', path: '/v1', secure: url.protocol === 'https:', maxAge: WEEK_SECONDS })
    }
    response.headers.forEach((value, name) => context.header(name, value))
    return response.body ? context.body(response.body) : context.body(null)
  })
  return app
}
