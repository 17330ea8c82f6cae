import { ProtocolError } from '@fovea/protocol'
import type { SessionEvent } from '@fovea/protocol'
import type { AsyncQueue } from './async-queue.ts'
import { Broadcast } from './broadcast.ts'
import { Deferred } from './deferred.ts'
import type { WatchUpdate } from './results.ts'

/** A standing query: one update a frame, whether or not the thing is in view [TR1]. `for await (const { perception } of watch)`. */
export class Watch implements AsyncIterable<WatchUpdate> {
  readonly watch: string
  readonly query: string
  /** resolves when the phrase is compiled; `standing` false: the head is asked again on a schedule instead of on every frame */
  readonly started: Promise<{ standing: boolean }>
  readonly #started = new Deferred<{ standing: boolean }>()
  readonly #updates = new Broadcast<WatchUpdate>({ limit: 1024 })
  readonly #stop: () => void

  constructor(watch: string, query: string, stop: () => void) {
    this.watch = watch
    this.query = query
    this.#stop = stop
    this.started = this.#started.promise
  }

  get last(): WatchUpdate | undefined {
    return this.#updates.last
  }

  stop(): void {
    this.#stop()
    this.#updates.end()
  }

  [Symbol.asyncIterator](): AsyncQueue<WatchUpdate> {
    return this.#updates[Symbol.asyncIterator]()
  }

  /** @internal */
  hear(event: SessionEvent): void {
    if (event.type === 'watch-started') this.#started.resolve({ standing: event.standing })
    else if (event.type === 'watch-stopped') this.end(event.error && new ProtocolError(event.error.code, event.error.message, event.error))
  }

  /** @internal */
  update(update: WatchUpdate): void {
    this.#updates.publish(update)
  }

  /** @internal */
  end(error?: Error): void {
    this.#started.reject(error ?? new Error('The watch was stopped before it started.'))
    this.#updates.end(error)
  }
}
