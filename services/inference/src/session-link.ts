import { CLOSE, ToBackend, type Assign, type FromBackend, type ModelInfo } from '@fovea/protocol'
import type { Logger } from 'pino'
import { WebSocket } from 'ws'
import { z } from 'zod'
import type { Device } from './device.ts'
import { closeReason, heartbeat } from './heartbeat.ts'
import type { Metrics } from './metrics.ts'
import { Session } from './session.ts'

export type SessionLinkOptions = {
  assign: Assign
  device: Device
  metrics: Metrics
  window: number
  model: ModelInfo
  log: Logger
  load: () => Extract<FromBackend, { type: 'load' }>
  closed: () => void
}
const OPEN_WITHIN_MS = 10_000

/** The socket of one assignment: dials the session's attach route, hears `session-open`, then carries frames in and verdicts out until it closes. */
export class SessionLink {
  readonly id: string
  readonly #options: SessionLinkOptions
  readonly #socket: WebSocket
  #session: Session | undefined
  #timer: NodeJS.Timeout
  #closed = false

  constructor(options: SessionLinkOptions) {
    const { assign, log } = options
    this.#options = options
    this.id = assign.session
    // Frames are checked against the session's limit at the edge; this cap is for what is no frame.
    this.#socket = new WebSocket(assign.url, {
      headers: { authorization: `Bearer ${assign.ticket}` },
      maxPayload: 32 * 1024 * 1024,
      perMessageDeflate: false,
      handshakeTimeout: OPEN_WITHIN_MS,
    })
    this.#socket.binaryType = 'nodebuffer'
    heartbeat(this.#socket)
    this.#timer = setTimeout(() => this.close(CLOSE.protocol, 'No session-open came.'), OPEN_WITHIN_MS)
    this.#socket.on('message', (data: Buffer, binary) => (binary ? this.#session?.frame(data) : this.#hear(data.toString('utf8'))))
    this.#socket.on('error', (error) => log.warn({ session: this.id, epoch: assign.epoch, error: error.message }, 'session socket failed'))
    this.#socket.on('close', (code, reason) => this.#end(code, reason.toString('utf8')))
  }

  get oldestMs(): number {
    return this.#session?.oldestMs ?? 0
  }

  close(code: number, because: string): void {
    this.#socket.close(code, closeReason(because))
    this.#end(code, because)
  }

  #hear(text: string): void {
    const message = parse(text)
    if ('problem' in message) {
      this.#options.log.warn({ session: this.id, problem: message.problem }, 'message not understood')
      return this.#send(JSON.stringify({ type: 'error', code: 'invalid-message', message: message.problem, retryable: false }))
    }
    if (message.type === 'session-close') return this.close(CLOSE.normal, message.because)
    if (message.type !== 'session-open') return this.#session?.handle(message)
    clearTimeout(this.#timer)
    if (this.#session) return
    const { device, metrics, window, model, load, log } = this.#options
    this.#send(JSON.stringify({ type: 'session-attached', epoch: message.epoch, window, model } satisfies FromBackend))
    this.#session = new Session({ open: message, device, metrics, send: (data) => this.#send(data) })
    // Only while somebody waits: a session at rest stays silent, so that its edge may sleep.
    this.#timer = setInterval(() => {
      if (this.#session?.busy) this.#send(JSON.stringify(load()))
    }, 1000)
    log.info({ session: this.id, epoch: message.epoch }, 'session attached')
  }

  #send(data: string | Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data)
  }

  #end(code: number, because: string): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#session?.close()
    this.#options.log.info({ session: this.id, code, because }, 'session left')
    this.#options.closed()
  }
}

function parse(text: string): ToBackend | { problem: string } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { problem: 'A text message is one JSON object.' }
  }
  const parsed = ToBackend.safeParse(json)
  return parsed.success ? parsed.data : { problem: z.prettifyError(parsed.error) }
}
