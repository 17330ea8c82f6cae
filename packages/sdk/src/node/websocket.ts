import { WebSocket } from 'ws'
import type { OpenWire } from '../websocket.ts'

const ALIVE_EVERY_MS = 15_000

// A server that has said its close may leave the connection itself standing; by default `ws` then waits 30 s before it tells of the close.
const OPTIONS = { perMessageDeflate: false, handshakeTimeout: 10_000, closeTimeout: 1000 }

/** A socket on `ws`, which Node 20 needs; a ping every 15 s finds a connection whose other end is gone without a word. */
export const openWire: OpenWire = (url, protocols, handlers) => {
  const socket = new WebSocket(url, [...protocols], OPTIONS)
  socket.binaryType = 'arraybuffer'
  let alive = true
  const heartbeat = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return
    if (!alive) return socket.terminate()
    alive = false
    socket.ping()
  }, ALIVE_EVERY_MS)
  heartbeat.unref()
  socket.on('pong', () => (alive = true))
  socket.on('open', () => handlers.open())
  socket.on('message', (data, isBinary) => {
    alive = true
    // Text comes as a Buffer whatever the binary type.
    if (!isBinary) handlers.text(data.toString())
    else if (data instanceof ArrayBuffer) handlers.binary(data)
  })
  // `close` always follows; where there was no connection, why is said only here.
  let failure = ''
  socket.on('error', ({ message }) => (failure = message))
  socket.on('close', (code, reason) => {
    clearInterval(heartbeat)
    handlers.close(code, reason.toString() || failure)
  })
  return {
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    drop: () => socket.terminate(),
  }
}
