import type { OpenWire } from '../websocket.ts'

const HANDSHAKE_MS = 10_000

/** A socket on the platform's own WebSocket: browsers, workers, Deno, Bun. */
export const openWire: OpenWire = (url, protocols, handlers) => {
  const socket = new WebSocket(url, [...protocols])
  socket.binaryType = 'arraybuffer'
  // A host that swallows the handshake would be waited for by the browser for minutes.
  const handshake = setTimeout(() => socket.readyState === WebSocket.CONNECTING && socket.close(), HANDSHAKE_MS)
  socket.addEventListener('open', () => {
    clearTimeout(handshake)
    handlers.open()
  })
  socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string') handlers.text(data)
    else if (data instanceof ArrayBuffer) handlers.binary(data)
  })
  socket.addEventListener('close', ({ code, reason }) => {
    clearTimeout(handshake)
    handlers.close(code, reason)
  })
  return {
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    drop: () => socket.close(),
  }
}
