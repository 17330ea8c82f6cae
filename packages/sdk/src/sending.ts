import type { FrameSource } from './frame-source.ts'
import type { MailboxCounts } from './mailbox.ts'
import type { OutStream } from './out-stream.ts'
import { untilAborted } from './until-aborted.ts'

/** A source on its way into a session. `done` resolves when it is at its end and every frame has its verdict. */
export class Sending {
  readonly stream: number
  readonly done: Promise<MailboxCounts>
  readonly #out: OutStream
  readonly #abort = new AbortController()

  constructor(source: FrameSource, out: OutStream, modelSize: () => readonly [number, number] | undefined, signal?: AbortSignal) {
    this.stream = out.stream
    this.#out = out
    const stop = () => this.stop()
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
    // Nobody takes its pictures any more, and it may wait for one.
    void out.closed.then(stop)
    this.done = this.#pump(source, modelSize).finally(() => signal?.removeEventListener('abort', stop))
    this.done.catch(() => {})
  }

  get counts(): MailboxCounts {
    return this.#out.counts
  }

  /** Ends the source; what is on its way still gets its verdict. */
  stop(): void {
    this.#abort.abort()
  }

  /** Closes the stream at the edge: what stands on it ends. */
  close(): void {
    this.stop()
    this.#out.close()
  }

  async #pump(source: FrameSource, modelSize: () => readonly [number, number] | undefined): Promise<MailboxCounts> {
    const { signal } = this.#abort
    // A waiting camera must hear of the end too.
    const room = () => untilAborted(this.#out.room(), signal)
    let failure: { error: unknown } | undefined
    for await (const frame of source.frames({ modelSize, room, signal })) {
      if (signal.aborted || failure) break
      const taken = this.#out.put(frame)
      if (source.policy === 'all') await taken
      else taken.catch((error: unknown) => (failure = { error }))
    }
    if (failure) throw failure.error
    await this.#out.drained()
    return this.#out.counts
  }
}
