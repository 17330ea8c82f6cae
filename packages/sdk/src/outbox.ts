import type { ClientMessage } from '@fovea/protocol'

type Kept = Exclude<ClientMessage, { type: 'ack' } | { type: 'session-resume' }>

/**
 * What the session has said and the edge has not confirmed yet. It is said when the link is up, and said again after a
 * resume; every message in it carries its own id, so that the edge does nothing twice [AS1].
 */
export class Outbox {
  readonly #send: (text: string) => boolean
  readonly #entries = new Map<string, string>()
  #up = false

  constructor(send: (text: string) => boolean) {
    this.#send = send
  }

  /** Says a message now, or when the link is up, until `settle(key)`. */
  post(key: string, message: Kept): void {
    const text = JSON.stringify(message)
    this.#entries.set(key, text)
    if (this.#up) this.#send(text)
  }

  /** The edge has confirmed or refused it. */
  settle(key: string): void {
    this.#entries.delete(key)
  }

  /** Whether the edge has yet to confirm or refuse it. */
  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** The link is up and the log is read up to now. */
  up(): void {
    this.#up = true
    for (const text of this.#entries.values()) this.#send(text)
  }

  down(): void {
    this.#up = false
  }
}
