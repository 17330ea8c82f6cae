import { CLOSE, ProtocolError, SUBPROTOCOL, TICKET_PREFIX } from '@fovea/protocol'
import { newRouter } from '../app.ts'
import { checkOrigin } from '../auth.ts'
import { problemResponse } from '../errors.ts'
import { Tickets } from '../session/tickets.ts'

/** The client's socket [WI1]. What can be refused is refused here, before a Durable Object is touched. */
export function socketRoutes() {
  const app = newRouter()
  app.onError((error) => problemResponse(error))
  app.get('/v1/sessions/:id/ws', async (context) => {
    const { env, req } = context
    if (req.header('upgrade')?.toLowerCase() !== 'websocket')
      throw new ProtocolError('invalid-message', 'This address is a WebSocket. Connect with `Upgrade: websocket`.')
    checkOrigin(req.raw, env)
    const offered = (req.header('sec-websocket-protocol') ?? '').split(',').map((one) => one.trim())
    const ticket = offered.find((one) => one.startsWith(TICKET_PREFIX))?.slice(TICKET_PREFIX.length)
    if (!offered.includes(SUBPROTOCOL) || ticket === undefined) {
      throw new ProtocolError(
        'unauthorised',
        `Offer two subprotocols: ${SUBPROTOCOL} and ${TICKET_PREFIX}<ticket>. A ticket comes from POST /v1/sessions/:id/tickets.`,
      )
    }
    const claims = await new Tickets(env.TICKET_SECRET).client(ticket)
    // A browser cannot read why a handshake failed, but it can read a close code.
    if (claims === 'expired') return closed(CLOSE.ticketUsed, 'this ticket has expired; get a new one')
    if (claims.sub !== req.param('id')) throw new ProtocolError('unauthorised', 'This ticket is for another session.')
    const query = new URLSearchParams({ ticket: claims.jti, expires: String(claims.exp * 1000), role: claims.role })
    return env.SESSION.getByName(claims.sub).fetch(`https://session/connect?${query}`, { headers: { upgrade: 'websocket' } })
  })
  return app
}

function closed(code: number, reason: string): Response {
  const { 0: client, 1: server } = new WebSocketPair()
  server.accept()
  server.close(code, reason)
  return new Response(null, { status: 101, webSocket: client, headers: { 'sec-websocket-protocol': SUBPROTOCOL } })
}
