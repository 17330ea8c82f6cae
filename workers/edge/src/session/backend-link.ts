import { CLOSE } from '@fovea/protocol'
import type { ToBackend } from '@fovea/protocol'
import { closeQuietly } from './socket.ts'
import type { BackendAttachment, SessionSocket } from './socket.ts'

/** The socket of the backend that holds this session's lease. */
export class BackendLink {
  readonly socket: SessionSocket
  readonly attachment: BackendAttachment
  /** when its main thread last said anything */
  heardAt: number

  constructor(socket: SessionSocket, attachment: BackendAttachment, now: number) {
    this.socket = socket
    this.attachment = attachment
    this.heardAt = now
  }

  /** True once it has answered `session-open`: frames may go. */
  get attached(): boolean {
    return this.attachment.attached
  }

  /** A track that starts from a frame which this backend does not have yet waits for it. */
  delay(track: string): void {
    this.attachment.late.push(track)
    this.save()
  }

  /** True where the track still waited: it has not been said, and will not be. */
  forget(track: string): boolean {
    const { late } = this.attachment
    const index = late.indexOf(track)
    if (index < 0) return false
    late.splice(index, 1)
    this.save()
    return true
  }

  save(): void {
    this.socket.serializeAttachment(this.attachment)
  }

  say(message: ToBackend): void {
    this.#send(JSON.stringify(message))
  }

  /** A frame, as it came: the same buffer, not copied. Never written to again after this [WI4]. */
  frame(bytes: ArrayBuffer): void {
    this.#send(bytes)
  }

  close(code: keyof typeof CLOSE, reason: string): void {
    this.attachment.closed = true
    this.save()
    closeQuietly(this.socket, CLOSE[code], reason)
  }

  #send(message: string | ArrayBuffer): void {
    try {
      this.socket.send(message)
    } catch {
      // It is closing: the close event that follows settles what was pending.
      return
    }
  }
}
