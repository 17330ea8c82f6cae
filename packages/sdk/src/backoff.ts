type Options = { random?: () => number; first?: { from: number; to: number }; cap?: number }

/** Waits before the tries of a reconnect: the first is random in 0.2–1 s, so that a restarted edge is not met by all its clients at once; each next is 1.6 times the last. */
export class Backoff {
  readonly #options: Required<Options>
  #next: number | undefined

  constructor({ random = Math.random, first = { from: 200, to: 1000 }, cap = 10_000 }: Options = {}) {
    this.#options = { random, first, cap }
  }

  /** Milliseconds to wait before the next try. */
  next(): number {
    const { random, first, cap } = this.#options
    const delay = this.#next ?? first.from + (first.to - first.from) * random()
    this.#next = Math.min(cap, delay * 1.6)
    return delay
  }

  /** After a connection that held. */
  reset(): void {
    this.#next = undefined
  }
}
