import { WebSocket } from 'ws'

export const PING_MS = 15_000

/** Pings a socket, so that one whose far end has vanished is found and let go: two pings without an answer end it. Answers do not wake a sleeping edge. */
export function heartbeat(socket: WebSocket, everyMs = PING_MS): void {
  let unanswered = 0
  const timer = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return
    if (unanswered >= 2) return socket.terminate()
    unanswered++
    socket.ping()
  }, everyMs)
  timer.unref()
  socket.on('pong', () => (unanswered = 0))
  socket.on('close', () => clearInterval(timer))
}

/** A reason as a close frame takes it: 123 bytes at most. */
export function closeReason(text: string): string {
  let reason = text.slice(0, 123)
  while (Buffer.byteLength(reason) > 123) reason = reason.slice(0, -1)
  return reason
}
