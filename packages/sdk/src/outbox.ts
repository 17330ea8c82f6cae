import type { ClientMessage } from '@fovea/protocol'

type Kept = Exclude<ClientMessage, { type: 'ack' } | { type: 'session-resume' }>

/**
 * What the session has said and the edge has not confirmed yet. It is said when the link is up, and said again after a
 * resume; every message in it carries its own id, so that saying it twice does nothing twice [AS1].
 */
export class Outbox {
  readonly #send: (text: string) => boolean
  readonly #entries = new Map<string, { text: string; said: boolean; resaid: boolean }>()
  #up = false

  constructor(send: (text: string) => boolean) {
    this.#send = send
  }

  /** Says a message now, or when the link is up, until `settle(key)`. */
  post(key: string, message: Kept): void {
    const entry = { text: JSON.stringify(message), said: false, resaid: false }
    this.#entries.set(key, entry)
    if (this.#up) entry.said = this.#send(entry.text)
  }

  /** The edge has confirmed or refused it. False when nothing of that key was open. */
  settle(key: string): boolean {
    return this.#entries.delete(key)
  }

  /** True when this was said more than once: a refusal `id-taken` then means that the first one arrived. */
  wasResaid(key: string): boolean {
    return this.#entries.get(key)?.resaid ?? false
  }

  /** The link is up and the log is read up to now. */
  up(): void {
    this.#up = true
    for (const entry of this.#entries.values()) {
      entry.resaid = entry.said
      entry.said = this.#send(entry.text)
    }
  }

  down(): void {
    this.#up = false
  }
}
