import { Deferred } from './deferred.ts'

/** Something that runs at the edge and ends once: its events as an async iterable, its outcome as a promise. Every loop sees all events from the first. */
export class Run<Event, Outcome> implements AsyncIterable<Event>, PromiseLike<Outcome> {
  readonly #events: Event[] = []
  readonly #outcome = new Deferred<Outcome>()
  #wake: (() => void)[] = []
  #ended = false

  get ended(): boolean {
    return this.#ended
  }

  push(event: Event): void {
    if (this.#ended) return
    this.#events.push(event)
    this.#wakeAll()
  }

  finish(outcome: Outcome): void {
    this.#ended = true
    this.#outcome.resolve(outcome)
    this.#wakeAll()
  }

  fail(error: Error): void {
    this.#ended = true
    this.#outcome.reject(error)
    this.#wakeAll()
  }

  // oxlint-disable-next-line unicorn/no-thenable -- being awaited is what it is for
  then<A = Outcome, B = never>(
    onResolve?: ((outcome: Outcome) => A | PromiseLike<A>) | null,
    onReject?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#outcome.promise.then(onResolve, onReject)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, void> {
    for (let index = 0; ; index++) {
      while (index >= this.#events.length) {
        if (this.#ended) {
          await this.#outcome.promise
          return
        }
        await new Promise<void>((resolve) => this.#wake.push(resolve))
      }
      const event = this.#events[index]
      if (event !== undefined) yield event
    }
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
