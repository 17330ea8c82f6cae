import type { ClientMessage, EdgeMessage, ProtocolError, SessionEvent, SessionReady, TransientMessage } from '@fovea/protocol'
import { Acks } from './acks.ts'
import type { Backoff } from './backoff.ts'
import { isDurable, parseEdgeText } from './edge-text.ts'
import { Outbox } from './outbox.ts'
import { Socket } from './socket.ts'
import type { Ticket } from './socket.ts'
import type { OpenWire } from './websocket.ts'

export type Connection = { state: 'connecting' | 'open' | 'closed'; because?: string }

export type LinkOptions = {
  ticket: () => Promise<Ticket>
  openWire: OpenWire
  lastSeq: number
  backoff?: Backoff
  /** where each stream stands, for the resume */
  streams: () => { stream: number; sent: number; unsettled: number[] }[]
  /** a first message on a socket: the link resumes right after this returns */
  onReady(ready: SessionReady): void
  /** the resume is said: frames may go */
  onResumed(): void
  onEvent(event: SessionEvent): void
  onTransient(message: TransientMessage): void
  onBinary(bytes: ArrayBuffer): void
  onConnection(connection: Connection, final: ProtocolError | undefined): void
}

/** A session's conversation with the edge across any number of sockets: each event once and in order, nothing said twice, nothing lost [EV2]. */
export class Link {
  readonly #options: LinkOptions
  readonly #socket: Socket
  readonly #outbox: Outbox
  #lastSeq: number
  #acks: Acks | undefined
  /** seq the edge had when this socket opened: up to there the log is being replayed */
  #replayUntil: number | undefined
  #caughtUp = false

  constructor(options: LinkOptions) {
    this.#options = options
    this.#lastSeq = options.lastSeq
    this.#outbox = new Outbox((text) => this.#socket.send(text))
    this.#socket = new Socket({
      ticket: options.ticket,
      openWire: options.openWire,
      ...(options.backoff && { backoff: options.backoff }),
      onText: (text) => this.#read(text),
      onBinary: (bytes) => {
        this.#acks?.read()
        options.onBinary(bytes)
      },
      onDown: (because, final) => {
        this.#rest()
        options.onConnection({ state: final ? 'closed' : 'connecting', because }, final)
      },
    })
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Says something that stays said across reconnects, until `settle(key)`. */
  post(key: string, message: Parameters<Outbox['post']>[1]): void {
    this.#outbox.post(key, message)
  }

  settle(key: string): void {
    this.#outbox.settle(key)
  }

  /** Posted under this key, and neither confirmed nor refused yet. */
  isUnconfirmed(key: string): boolean {
    return this.#outbox.has(key)
  }

  /** False while the session is not resumed: no frame can go. */
  get canSend(): boolean {
    return this.#replayUntil !== undefined && this.#socket.isOpen
  }

  /** A frame for the wire; false where it could not go. */
  sendFrame(bytes: Uint8Array<ArrayBuffer>): boolean {
    return this.canSend && this.#socket.send(bytes)
  }

  drop(): void {
    this.#socket.drop()
  }

  close(): void {
    this.#rest()
    this.#socket.close()
  }

  #rest(): void {
    this.#acks?.stop()
    this.#acks = undefined
    this.#replayUntil = undefined
    this.#caughtUp = false
    this.#outbox.down()
  }

  #say(message: ClientMessage): void {
    this.#socket.send(JSON.stringify(message))
  }

  #read(text: string): void {
    const message = parseEdgeText(text)
    if (message?.type === 'session-ready' && this.#replayUntil === undefined) return this.#resume(message)
    this.#acks?.read()
    if (message) this.#deliver(message)
    if (this.#replayUntil !== undefined && !this.#caughtUp && this.#lastSeq >= this.#replayUntil) {
      this.#caughtUp = true
      this.#outbox.up()
    }
  }

  #resume(ready: SessionReady): void {
    this.#options.onReady(ready)
    this.#acks = new Acks(this.#lastSeq, (ack) => this.#say(ack))
    this.#acks.read()
    this.#say({ type: 'session-resume', lastSeq: this.#lastSeq, streams: this.#options.streams() })
    this.#replayUntil = ready.seq
    this.#options.onConnection({ state: 'open' }, undefined)
    this.#options.onResumed()
    if (this.#lastSeq >= ready.seq) {
      this.#caughtUp = true
      this.#outbox.up()
    }
  }

  #deliver(message: EdgeMessage): void {
    if (!isDurable(message)) {
      if (message.type === 'session-reset') this.#reach(message.seq)
      return this.#options.onTransient(message)
    }
    // A second copy can come when a socket dies between the write and the read; the application sees each event once.
    if (message.seq <= this.#lastSeq) return
    this.#reach(message.seq)
    this.#options.onEvent(message)
  }

  #reach(seq: number): void {
    this.#lastSeq = seq
    this.#acks?.reached(seq)
  }
}
