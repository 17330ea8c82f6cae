import { Miniflare } from 'miniflare'

/** The least a Durable Object can do with a frame: a hibernating socket that sends each message back as it came. */
const SCRIPT = `
import { DurableObject } from 'cloudflare:workers'
export class Echo extends DurableObject {
  fetch() {
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    return new Response(null, { status: 101, webSocket: client })
  }
  webSocketMessage(socket, message) { socket.send(message) }
}
export default { fetch: (request, env) => env.ECHO.get(env.ECHO.newUniqueId()).fetch(request) }
`

/** A workerd of its own with one echo object for each socket. */
export async function openObjectEcho(compatibilityDate: string): Promise<{ url: string; close: () => Promise<void> }> {
  const echo = new Miniflare({
    modules: [{ type: 'ESModule', path: 'index.mjs', contents: SCRIPT }],
    compatibilityDate,
    host: '127.0.0.1',
    port: 0,
    durableObjects: { ECHO: { className: 'Echo', useSQLite: true } },
  })
  const { origin } = await echo.ready
  return { url: origin.replace(/^http/, 'ws'), close: () => echo.dispose() }
}
