import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { closeReason, heartbeat } from './heartbeat.ts'

test('a socket whose far end has vanished is let go; one that answers is kept', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const far: Socket[] = []
  server.on('connection', (_, request) => far.push(request.socket))
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [lost, kept] = [new WebSocket(url), new WebSocket(url)]
  await Promise.all([once(lost, 'open'), once(kept, 'open')])
  for (const socket of [lost, kept]) heartbeat(socket, 20)
  // Nobody reads there any more, and nobody closes.
  far[0]?.pause()
  await once(lost, 'close')
  expect(lost.readyState).toBe(WebSocket.CLOSED)
  expect(kept.readyState).toBe(WebSocket.OPEN)
  kept.terminate()
  for (const socket of far) socket.destroy()
  server.close()
})

test('a reason fits a close frame, whatever its letters', () => {
  expect(closeReason('gone')).toBe('gone')
  for (const letters of ['é'.repeat(100), '😀'.repeat(100), 'x'.repeat(500)]) expect(Buffer.byteLength(closeReason(letters))).toBeLessThanOrEqual(123)
})
