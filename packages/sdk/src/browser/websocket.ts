import type { OpenWire } from '../websocket.ts'

/** A socket on the platform's own WebSocket: browsers, workers, Deno, Bun. */
export const openWire: OpenWire = (url, protocols, handlers) => {
  const socket = new WebSocket(url, [...protocols])
  socket.binaryType = 'arraybuffer'
  socket.addEventListener('open', () => handlers.open())
  socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string') handlers.text(data)
    else if (data instanceof ArrayBuffer) handlers.binary(data)
  })
  socket.addEventListener('close', ({ code, reason }) => handlers.close(code, reason))
  return {
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    drop: () => socket.close(),
  }
}
