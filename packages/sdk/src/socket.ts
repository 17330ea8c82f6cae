import { CLOSE, FINAL_CLOSES, ProtocolError } from '@fovea/protocol'
import { Backoff } from './backoff.ts'
import type { OpenWire, WireSocket } from './websocket.ts'

export type Ticket = { wsUrl: string; protocols: readonly string[] }

export type SocketOptions = {
  /** a fresh ticket for every try: they are single use and live a minute [SE1] */
  ticket: () => Promise<Ticket>
  openWire: OpenWire
  onText(text: string): void
  onBinary(bytes: ArrayBuffer): void
  /** the connection is gone; another try follows unless `final` */
  onDown(because: string, final: ProtocolError | undefined): void
  backoff?: Backoff
  after?: (ms: number, run: () => void) => () => void
}

type State =
  | { name: 'waiting'; cancel: () => void }
  | { name: 'fetching' }
  | { name: 'connecting'; wire: WireSocket }
  | { name: 'open'; wire: WireSocket; talk: 'silent' | 'said' | 'answered' }
  | { name: 'closed' }

const HELD_MS = 5000
/** Some ten seconds of tries; then the program hears that there is no way to the edge. */
const FIRST_TRIES = 6

/**
 * One connection to one session that comes back by itself until it is closed, or until the edge says it must not. One that never came about is
 * given up after `FIRST_TRIES`.
 */
export class Socket {
  readonly #options: SocketOptions
  readonly #backoff: Backoff
  readonly #after: (ms: number, run: () => void) => () => void
  #state: State = { name: 'fetching' }
  /** tries that failed before the first word was said; undefined after it */
  #failed: number | undefined = 0

  constructor(options: SocketOptions) {
    this.#options = options
    this.#backoff = options.backoff ?? new Backoff()
    this.#after = options.after ?? timeout
    void this.#connect()
  }

  get isOpen(): boolean {
    return this.#state.name === 'open'
  }

  /** False when there is no open connection; what must not be lost is said again after the resume. */
  send(data: string | Uint8Array<ArrayBuffer>): boolean {
    if (this.#state.name !== 'open') return false
    if (this.#state.talk === 'silent') this.#state.talk = 'said'
    this.#failed = undefined
    this.#state.wire.send(data)
    return true
  }

  /** Drops the connection as a network would, and comes back. For tests and self-tests of the resume. */
  drop(): void {
    if (this.#state.name === 'open' || this.#state.name === 'connecting') this.#state.wire.drop()
  }

  close(): void {
    const state = this.#state
    this.#state = { name: 'closed' }
    if (state.name === 'waiting') state.cancel()
    if (state.name === 'open' || state.name === 'connecting') state.wire.close(CLOSE.normal, 'closed by the client')
  }

  async #connect(): Promise<void> {
    this.#state = { name: 'fetching' }
    let ticket: Ticket
    try {
      ticket = await this.#options.ticket()
    } catch (error) {
      if (this.#isClosed()) return
      if (error instanceof ProtocolError && !error.details.retryable) return this.#end(error)
      return this.#retry(error instanceof Error ? error.message : 'no ticket')
    }
    if (this.#isClosed()) return
    try {
      const wire = this.#open(ticket)
      if (this.#state.name === 'fetching') this.#state = { name: 'connecting', wire }
    } catch (cause) {
      this.#end(noSocket(ticket.wsUrl, cause))
    }
  }

  #open({ wsUrl, protocols }: Ticket): WireSocket {
    let openedAt = 0
    const wire = this.#options.openWire(wsUrl, protocols, {
      open: () => {
        if (this.#isClosed()) return
        openedAt = Date.now()
        this.#state = { name: 'open', wire, talk: 'silent' }
      },
      text: (text) => this.#heard() && this.#options.onText(text),
      binary: (bytes) => this.#heard() && this.#options.onBinary(bytes),
      close: (code, reason) => {
        if (this.#isClosed()) return
        if (openedAt > 0 && Date.now() - openedAt > HELD_MS) this.#backoff.reset()
        if (this.#isFinal(code)) this.#end(closeError(code, reason))
        else this.#retry(`close ${code}${reason ? `: ${reason}` : ''}`)
      },
    })
    return wire
  }

  #heard(): boolean {
    if (this.#state.name !== 'open') return false
    if (this.#state.talk === 'said') this.#state.talk = 'answered'
    return true
  }

  /** 4010 to a client that the edge has not answered was not about what it said: the machine slept, and its first words came too late [WI5]. */
  #isFinal(code: number): boolean {
    if (code !== CLOSE.protocol) return FINAL_CLOSES.has(code)
    return this.#state.name === 'open' && this.#state.talk === 'answered'
  }

  #retry(because: string): void {
    if (this.#failed !== undefined && ++this.#failed === FIRST_TRIES) return this.#end(noWay(because))
    this.#state = { name: 'waiting', cancel: this.#after(this.#backoff.next(), () => void this.#connect()) }
    this.#options.onDown(because, undefined)
  }

  #end(error: ProtocolError): void {
    this.#state = { name: 'closed' }
    this.#options.onDown(error.message, error)
  }

  #isClosed(): boolean {
    return this.#state.name === 'closed'
  }
}

function closeError(code: number, reason: string): ProtocolError {
  const because = reason ? ` (${reason})` : ''
  switch (code) {
    case CLOSE.auth:
      return new ProtocolError('unauthorised', `The edge refused this connection${because}. Check the key and the Origin, then open a new session.`)
    case CLOSE.replaced:
      return new ProtocolError(
        'conflict',
        `Another owner took this session over${because}. One owner at a time: leave it to that one, or take it back with openSession, its id and its resumeKey.`,
      )
    case CLOSE.ended:
      return new ProtocolError('not-found', `The session has ended${because}. Open a new one.`)
    default:
      return new ProtocolError(
        'invalid-message',
        `The edge closed the connection with code ${code}${because}: it could not understand this client. Are both of the same version?`,
      )
  }
}

function noSocket(url: string, cause: unknown): ProtocolError {
  const because = cause instanceof Error ? cause.message : String(cause)
  return new ProtocolError('unsupported', `No WebSocket to ${url} can be opened here: ${because} A page loaded over https needs a wss:// address.`, { cause })
}

function noWay(because: string): ProtocolError {
  return new ProtocolError(
    'unavailable',
    `No connection to the edge came about in ${FIRST_TRIES} tries; the last ended with ${because}. Is the edge running and reachable from here, does everything on the way let WebSockets through, and does the edge allow this Origin?`,
    { retryable: true },
  )
}

function timeout(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}
