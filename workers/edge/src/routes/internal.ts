import { CLOSE, ProtocolError } from '@fovea/protocol'
import { newRouter } from '../app.ts'
import { authenticateBackend } from '../auth.ts'
import { POOL_NAME } from '../bindings.ts'
import { problemResponse } from '../errors.ts'
import { Tickets } from '../session/tickets.ts'

/** The backends' sockets: one to the pool, one to each session they were told to take [EP1]. */
export function internalRoutes() {
  const app = newRouter()
  app.onError((error) => problemResponse(error))
  app.get('/internal/pool', async ({ env, req }) => {
    needsUpgrade(req.header('upgrade'))
    const key = await authenticateBackend(req.raw, env)
    const url = new URL(req.url)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const query = new URLSearchParams({ key, origin: `${url.protocol}//${url.host}` })
    return env.POOL.getByName(POOL_NAME).fetch(`https://pool/connect?${query}`, { headers: { upgrade: 'websocket' } })
  })
  app.get('/internal/sessions/:id/attach', async ({ env, req }) => {
    needsUpgrade(req.header('upgrade'))
    const ticket = /^Bearer\s+(\S+)$/i.exec(req.header('authorization') ?? '')?.[1]
    if (ticket === undefined) throw new ProtocolError('unauthorised', 'Send `Authorization: Bearer <assignment ticket>`.')
    const claims = await new Tickets(env.TICKET_SECRET).backend(ticket)
    if (claims === 'expired' || claims.sub !== req.param('id'))
      throw new ProtocolError(
        'unauthorised',
        `This assignment is not for this session any more (close code ${CLOSE.fenced} on a socket). Wait for the next one.`,
      )
    const query = new URLSearchParams({ epoch: String(claims.epoch), backend: claims.backend })
    return env.SESSION.getByName(claims.sub).fetch(`https://session/attach?${query}`, { headers: { upgrade: 'websocket' } })
  })
  return app
}

function needsUpgrade(upgrade: string | undefined): void {
  if (upgrade?.toLowerCase() !== 'websocket') throw new ProtocolError('invalid-message', 'This address is a WebSocket. Connect with `Upgrade: websocket`.')
}
