import { CLOSE } from '@fovea/protocol'
import type { ErrorMessage, SessionReset, TransientMessage } from '@fovea/protocol'
import type { EventLog, Logged } from './event-log.ts'
import { RateCount } from './rate-count.ts'
import { closeQuietly } from './socket.ts'
import type { ClientAttachment, SessionSocket } from './socket.ts'
import { Unread } from './unread.ts'

/** Beyond this a socket is a slow reader [FR7]. */
const UNREAD_MESSAGES = 128
const UNREAD_BYTES = 1024 * 1024
/** Beyond this it is let go at once: its messages are answered, and it reads no answer. */
const MOST_UNREAD_MESSAGES = 1024
/** A slow reader that reads nothing for so long is let go. */
export const STUCK_MS = 60_000
const BAD_MESSAGES_A_MINUTE = 20

/** One client's socket: what it was sent, what it has read, and what waits for it in the log. */
export class ClientLink {
  readonly socket: SessionSocket
  readonly attachment: ClientAttachment
  readonly #bad = new RateCount(60_000)
  readonly #unread: Unread
  readonly #now: () => number
  #progressAt: number
  #closed = false

  constructor(socket: SessionSocket, attachment: ClientAttachment, { now, woken }: { now: () => number; woken: boolean }) {
    this.socket = socket
    this.attachment = attachment
    this.#unread = new Unread({ counted: !woken })
    this.#now = now
    this.#progressAt = now()
  }

  get isOwner(): boolean {
    return this.attachment.role === 'owner'
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Reads too slowly: it gets what it is owed and nothing more [FR7]. */
  get slow(): boolean {
    return this.#unread.messages > UNREAD_MESSAGES || this.#unread.bytes > UNREAD_BYTES
  }

  /** Asks for ever more and reads nothing of it. */
  get overfull(): boolean {
    return this.#unread.messages > MOST_UNREAD_MESSAGES
  }

  /** True where a slow reader has made no progress for a minute. */
  get stuck(): boolean {
    return this.slow && this.#now() - this.#progressAt > STUCK_MS
  }

  save(): void {
    this.socket.serializeAttachment(this.attachment)
  }

  say(message: TransientMessage): void {
    this.text(JSON.stringify(message))
  }

  refuse(error: ErrorMessage): void {
    this.say(error)
  }

  text(json: string): void {
    this.#send(json, json.length)
  }

  bytes(message: ArrayBuffer | Uint8Array): void {
    this.#send(message, message.byteLength)
  }

  /** A fresh event: sent at once to a reader that keeps up, left in the log for one that does not. */
  event({ event, json }: Logged): void {
    if (!this.attachment.resumed || this.attachment.cursor >= 0) return
    if (this.slow) {
      this.attachment.cursor = event.seq - 1
      this.save()
      return
    }
    this.text(json)
  }

  /** Sends what waits in the log for as long as the reader keeps up; no gap, no repeat, and the state where trimming has overtaken it [EV2]. */
  pump(log: EventLog, describe: () => SessionReset): void {
    const { attachment } = this
    while (attachment.cursor >= 0 && !this.slow) {
      if (!log.reaches(attachment.cursor)) {
        const reset = describe()
        this.say(reset)
        attachment.cursor = reset.seq
      }
      const events = log.after(attachment.cursor, 32)
      for (const { seq, body } of events) {
        if (this.slow) break
        this.text(body)
        attachment.cursor = seq
      }
      if (attachment.cursor >= log.last || events.length === 0) attachment.cursor = -1
    }
    this.save()
  }

  /** The reader tells how many messages it has read on this socket [FR7]. */
  ack(received: number): void {
    if (this.#unread.read(received)) this.#progressAt = this.#now()
  }

  /** One more message that broke the rules; true where it was one too many [WI2]. */
  misbehaved(): boolean {
    return this.#bad.add(this.#now()) > BAD_MESSAGES_A_MINUTE
  }

  close(code: keyof typeof CLOSE, reason: string): void {
    if (this.attachment.closed) return
    this.#closed = true
    this.attachment.closed = true
    this.save()
    closeQuietly(this.socket, CLOSE[code], reason)
  }

  #send(message: string | ArrayBuffer | Uint8Array, size: number): void {
    if (this.#closed) return
    if (this.#unread.messages === 0) this.#progressAt = this.#now()
    try {
      this.socket.send(message)
    } catch {
      // The peer is gone; the close event that follows settles its account.
      this.#closed = true
      return
    }
    this.#unread.sent(size)
  }
}
