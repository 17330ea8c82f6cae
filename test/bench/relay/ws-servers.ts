import { readFrameHeader } from '@fovea/protocol'
import { WebSocket, WebSocketServer } from 'ws'
import { say, takeOrders } from '../orders.ts'
import { verdictText } from './verdict-text.ts'

/**
 * The bounds in plain Node with bufferutil. ROLE: `echo` sends every message back; `peer` answers a frame with its verdict, to whoever
 * connects and on the addresses it is told to dial; `relay` hands messages of a client to a peer (UPSTREAM) and back, one socket each, nothing else.
 */
const { ROLE = 'echo', UPSTREAM = '', MASKS = 'off' } = process.env
const texts = verdictText(MASKS === 'on')
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false, maxPayload: 32 * 1024 * 1024 })

server.on('connection', (socket) => {
  if (ROLE === 'echo') return void socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }))
  if (ROLE === 'peer') return answer(socket)
  const upstream = new WebSocket(UPSTREAM, { perMessageDeflate: false, maxPayload: 32 * 1024 * 1024 })
  const waiting: Buffer[] = []
  upstream.on('open', () => waiting.splice(0).forEach((data) => upstream.send(data)))
  upstream.on('message', (data: Buffer, binary) => socket.send(data, { binary }))
  socket.on('message', (data: Buffer) => (upstream.readyState === WebSocket.OPEN ? upstream.send(data) : waiting.push(data)))
  socket.on('close', () => upstream.close())
})
server.on('listening', () => {
  const address = server.address()
  if (typeof address === 'object' && address) say({ url: `ws://127.0.0.1:${address.port}` })
})

function answer(socket: WebSocket): void {
  socket.on('message', (data: Buffer) => {
    const header = readFrameHeader(data)
    if ('problem' in header) throw new Error(header.problem)
    socket.send(texts(header))
  })
}

takeOrders<{ dial: string[] }>(async ({ dial }) => {
  const sockets = dial.map((url) => new WebSocket(url, { perMessageDeflate: false, maxPayload: 32 * 1024 * 1024 }))
  await Promise.all(sockets.map((socket) => new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))))
  for (const socket of sockets) answer(socket)
  return { dialled: dial.length }
})
