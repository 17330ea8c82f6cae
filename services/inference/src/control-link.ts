import { ToPoolMember, type FromBackend, type FromPoolMember, type Hello } from '@fovea/protocol'
import type { Logger } from 'pino'
import { WebSocket } from 'ws'
import { Backoff } from './backoff.ts'
import { heartbeat } from './heartbeat.ts'

export type ControlLinkOptions = {
  edgeUrl: string
  key: string
  hello: Hello
  log: Logger
  load: () => Extract<FromBackend, { type: 'load' }>
  /** Takes an assignment, or says why not. */
  assigned: (assign: ToPoolMember) => { refused: string } | undefined
}

/** The socket to the pool: says hello, tells the load every second, takes assignments; dials again for as long as the service runs. */
export class ControlLink {
  readonly #options: ControlLinkOptions
  readonly #backoff = new Backoff()
  #socket: WebSocket | undefined
  #timer: NodeJS.Timeout | undefined
  #state: 'dialing' | 'joined' | 'closed' = 'dialing'
  #trouble: string | undefined

  constructor(options: ControlLinkOptions) {
    this.#options = options
    this.#dial()
  }

  get state(): { name: 'dialing' | 'joined' | 'closed'; trouble?: string } {
    return { name: this.#state, ...(this.#trouble ? { trouble: this.#trouble } : {}) }
  }

  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#timer)
    this.#socket?.close(1000)
  }

  #dial(): void {
    const { edgeUrl, key, hello, log } = this.#options
    const url = new URL('/internal/pool', edgeUrl)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${key}` },
      perMessageDeflate: false,
      handshakeTimeout: 10_000,
      maxPayload: 1024 * 1024,
    })
    this.#socket = socket
    heartbeat(socket)
    socket.on('open', () => {
      this.#backoff.reset()
      this.#state = 'joined'
      this.#trouble = undefined
      this.#send(hello)
      this.#timer = setInterval(() => this.#send(this.#options.load()), 1000)
      log.info({ edge: edgeUrl }, 'joined the pool')
    })
    socket.on('message', (data: Buffer) => this.#hear(data.toString('utf8')))
    socket.on('error', (error) => {
      this.#trouble = error.message
    })
    socket.on('close', (code, reason) => this.#lost(code, reason.toString('utf8')))
  }

  #hear(text: string): void {
    const { assigned, log } = this.#options
    let message: ToPoolMember
    try {
      message = ToPoolMember.parse(JSON.parse(text))
    } catch (error) {
      return log.warn({ problem: error instanceof Error ? error.message : String(error) }, 'message of the pool not understood')
    }
    const refusal = assigned(message)
    if (refusal) this.#send({ type: 'refused', session: message.session, epoch: message.epoch, because: refusal.refused })
  }

  #lost(code: number, reason: string): void {
    clearInterval(this.#timer)
    if (this.#state === 'closed') return
    this.#state = 'dialing'
    const wait = this.#backoff.next()
    this.#options.log.warn({ code, reason, trouble: this.#trouble, retryMs: Math.round(wait) }, 'not joined to the pool')
    this.#timer = setTimeout(() => this.#dial(), wait)
  }

  #send(message: FromPoolMember): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }
}
