import { CLOSE, ProtocolError, SUBPROTOCOL, TICKET_PREFIX, toProtocolError } from '@fovea/protocol'
import type { HonoRequest } from 'hono'
import { newRouter } from '../app.ts'
import { checkOrigin } from '../auth.ts'
import { problemResponse } from '../errors.ts'
import { closeQuietly } from '../session/socket.ts'
import { Tickets } from '../session/tickets.ts'

/** The client's socket [WI1]. What can be refused is refused here, before a Durable Object is touched. */
export function socketRoutes() {
  const app = newRouter()
  app.onError((error, { req }) => {
    const { code, message } = toProtocolError(error)
    const mayNot = code === 'unauthorised' || code === 'forbidden'
    return mayNot && isUpgrade(req) ? closed(req, CLOSE.auth, message) : problemResponse(error)
  })
  app.get('/v1/sessions/:id/ws', async ({ env, req }) => {
    if (!isUpgrade(req)) throw new ProtocolError('invalid-message', 'This address is a WebSocket. Connect with `Upgrade: websocket`.')
    checkOrigin(req.raw, env)
    const offered = offeredBy(req)
    const ticket = offered.find((one) => one.startsWith(TICKET_PREFIX))?.slice(TICKET_PREFIX.length)
    if (!offered.includes(SUBPROTOCOL) || ticket === undefined) {
      throw new ProtocolError('unauthorised', `Offer the subprotocols ${SUBPROTOCOL} and ${TICKET_PREFIX}<ticket>, from POST /v1/sessions/:id/tickets.`)
    }
    const claims = await new Tickets(env.TICKET_SECRET).client(ticket)
    if (claims === 'expired') return closed(req, CLOSE.ticketUsed, 'this ticket has expired; get a new one')
    if (claims.sub !== req.param('id')) throw new ProtocolError('unauthorised', 'This ticket is for another session.')
    const query = new URLSearchParams({ ticket: claims.jti, expires: String(claims.exp * 1000), role: claims.role })
    const response = await env.SESSION.getByName(claims.sub).fetch(`https://session/connect?${query}`, { headers: { upgrade: 'websocket' } })
    return response.status === 404 ? closed(req, CLOSE.ended, 'this session was never opened; open another one') : response
  })
  return app
}

function isUpgrade(req: HonoRequest): boolean {
  return req.header('upgrade')?.toLowerCase() === 'websocket'
}

function offeredBy(req: HonoRequest): string[] {
  return (req.header('sec-websocket-protocol') ?? '').split(',').map((one) => one.trim())
}

/** A browser cannot read why a handshake failed, and would try again for ever; it can read a close code. */
function closed(req: HonoRequest, code: number, reason: string): Response {
  const { 0: client, 1: server } = new WebSocketPair()
  server.accept()
  closeQuietly(server, code, reason)
  // A server may answer only what was offered.
  const headers: Record<string, string> = offeredBy(req).includes(SUBPROTOCOL) ? { 'sec-websocket-protocol': SUBPROTOCOL } : {}
  return new Response(null, { status: 101, webSocket: client, headers })
}
