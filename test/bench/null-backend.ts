import { BINARY_VERSION, encodeVerdict, readFrameHeader, ToBackend, ToPoolMember, type FromBackend, type FromPoolMember, type ModelInfo } from '@fovea/protocol'
import { WebSocket } from 'ws'
import { say, takeOrders } from './orders.ts'
import { verdictText } from './relay/verdict-text.ts'

/**
 * A backend that sees nothing and answers at once, or after `serviceMs` a frame, one at a time: what is left is the way there and back.
 * Environment: FOVEA_EDGE_URL, FOVEA_BACKEND_KEY, MASKS (`on`: three outlines a verdict), SERVICE_MS, WINDOW.
 */
const { FOVEA_EDGE_URL = '', FOVEA_BACKEND_KEY = '', MASKS = 'off', SERVICE_MS = '0', WINDOW = '2' } = process.env
const serviceMs = Number(SERVICE_MS)
const model: ModelInfo = { name: 'null', hash: `sha256:${BINARY_VERSION}`, tasks: ['region'], imageSize: [256, 256] }
let texts = verdictText(MASKS === 'on')
let seen = 0

takeOrders<{ masks: boolean } | { count: true }>((order) => {
  if ('masks' in order) texts = verdictText(order.masks)
  return { seen }
})

const control = new WebSocket(`${FOVEA_EDGE_URL.replace(/^http/, 'ws')}/internal/pool`, {
  headers: { authorization: `Bearer ${FOVEA_BACKEND_KEY}` },
  perMessageDeflate: false,
})
const tell = (message: FromPoolMember) => control.send(JSON.stringify(message))
control.on('open', () => {
  tell({ type: 'hello', backend: 'null', models: [model], capacity: 64 })
  setInterval(() => tell({ type: 'load', sessions: 0, deviceMs: 0, oldestMs: 0, modelThread: 'ready' }), 1000)
  say({ ready: true })
})
control.on('message', (data: Buffer) => attend(ToPoolMember.parse(JSON.parse(data.toString('utf8')))))
control.on('close', (code, reason) => {
  throw new Error(`The pool closed the null backend's socket: ${code} ${reason.toString('utf8')}`)
})

function attend({ url, ticket }: ToPoolMember): void {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${ticket}` }, perMessageDeflate: false, maxPayload: 32 * 1024 * 1024 })
  let epoch = 0
  let free = 0
  socket.on('message', (data: Buffer, binary) => {
    if (binary) {
      const header = readFrameHeader(data)
      if ('problem' in header) throw new Error(header.problem)
      const settle = () => {
        seen++
        socket.send(encodeVerdict({ outcome: 'seen', stream: header.stream, frame: header.frame, epoch }, texts(header)))
      }
      if (serviceMs === 0) return settle()
      // One after the other, like a device that is busy: the queue is the window, no more.
      free = Math.max(free, performance.now()) + serviceMs
      setTimeout(settle, free - performance.now())
      return
    }
    const message = ToBackend.parse(JSON.parse(data.toString('utf8')))
    if (message.type !== 'session-open') return
    epoch = message.epoch
    socket.send(JSON.stringify({ type: 'session-attached', epoch, window: Number(WINDOW), model } satisfies FromBackend))
  })
}
