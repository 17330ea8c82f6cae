import type { StreamPolicy } from '@fovea/protocol'
import type { Frame } from './frame-source.ts'
import type { Mailbox, MailboxCounts } from './mailbox.ts'

/** A stream of pictures from this program. Numbers, window and verdicts are kept by it; you put frames. */
export class OutStream {
  readonly stream: number
  readonly policy: StreamPolicy
  readonly #mailbox: Mailbox
  readonly #close: () => void

  constructor(mailbox: Mailbox, close: () => void) {
    this.stream = mailbox.stream
    this.policy = mailbox.policy
    this.#mailbox = mailbox
    this.#close = close
  }

  /** Offers a picture. Under `latest` do not wait for it: a newer one takes its place. Under `all` await it before the next. */
  put(frame: Frame): Promise<void> {
    return this.#mailbox.put(frame)
  }

  /** Resolves when a picture put then leaves at once. */
  room(): Promise<void> {
    return this.#mailbox.room()
  }

  /** Resolves when every frame has its verdict. */
  drained(): Promise<void> {
    return this.#mailbox.drained()
  }

  get counts(): MailboxCounts {
    return { ...this.#mailbox.counts }
  }

  /** Resolves when the stream is closed, here or by the edge, and when the session is over. */
  get closed(): Promise<void> {
    return this.#mailbox.closed
  }

  close(): void {
    this.#close()
  }
}
