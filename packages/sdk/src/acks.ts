import type { ClientMessage } from '@fovea/protocol'

const EVERY_MESSAGES = 64
const EVERY_MS = 1000

/** Tells the edge how far this socket has read: at 64 messages, or a second after the first that is not told yet [FR7]. One per socket. */
export class Acks {
  readonly #send: (message: Extract<ClientMessage, { type: 'ack' }>) => void
  #received = 0
  #told = 0
  #seq: number
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(lastSeq: number, send: (message: Extract<ClientMessage, { type: 'ack' }>) => void) {
    this.#seq = lastSeq
    this.#send = send
  }

  /** One more message was read, of any kind. */
  read(): void {
    this.#received++
    if (this.#received - this.#told >= EVERY_MESSAGES) this.#tell()
    else this.#timer ??= setTimeout(() => this.#tell(), EVERY_MS)
  }

  /** The newest event that was read. */
  reached(seq: number): void {
    this.#seq = seq
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #tell(): void {
    this.stop()
    this.#told = this.#received
    this.#send({ type: 'ack', seq: this.#seq, received: this.#received })
  }
}
