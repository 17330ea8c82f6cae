import { Miniflare } from 'miniflare'

/**
 * The least a Durable Object can do with a frame. `Echo`: a hibernating socket that sends each message back as it came. `Relay`: two
 * hibernating sockets, a client's and a backend's, and each message goes on to the other, nothing read, nothing counted: the way of a frame
 * and of its verdict with no Fovea in it.
 */
const SCRIPT = `
import { DurableObject } from 'cloudflare:workers'
const accept = (state, tag) => {
  const { 0: client, 1: server } = new WebSocketPair()
  state.acceptWebSocket(server, [tag])
  return new Response(null, { status: 101, webSocket: client })
}
export class Echo extends DurableObject {
  fetch() { return accept(this.ctx, 'client') }
  webSocketMessage(socket, message) { socket.send(message) }
}
export class Relay extends DurableObject {
  #ends = {}
  fetch(request) {
    const tag = new URL(request.url).pathname.slice(1)
    const response = accept(this.ctx, tag)
    this.#ends[tag] = this.ctx.getWebSockets(tag)[0]
    return response
  }
  webSocketMessage(socket, message) {
    (socket === this.#ends.client ? this.#ends.backend : this.#ends.client).send(message)
  }
}
export default {
  fetch(request, env) {
    const id = new URL(request.url).searchParams.get('id')
    return (id ? env.RELAY.getByName(id) : env.ECHO.get(env.ECHO.newUniqueId())).fetch(request)
  }
}
`

/** A workerd of its own with these objects: an echo for each socket at `echo`; a relay for each id at `client(id)` and `backend(id)`. */
export async function openBareObjects(compatibilityDate: string) {
  const objects = new Miniflare({
    modules: [{ type: 'ESModule', path: 'index.mjs', contents: SCRIPT }],
    compatibilityDate,
    host: '127.0.0.1',
    port: 0,
    cf: false,
    durableObjects: { ECHO: { className: 'Echo', useSQLite: true }, RELAY: { className: 'Relay', useSQLite: true } },
  })
  const url = (await objects.ready).origin.replace(/^http/, 'ws')
  return {
    echo: url,
    client: (id: string) => `${url}/client?id=${id}`,
    backend: (id: string) => `${url}/backend?id=${id}`,
    close: () => objects.dispose(),
  }
}
