/** Waits before the tries of a reconnect: the first is random in 0.2–1 s, so that a restarted edge is not met by all its clients at once. */
export class Backoff {
  readonly #random: () => number
  #next: number | undefined

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Milliseconds to wait before the next try; each is 1.6 times the last, at most 10 s. */
  next(): number {
    const delay = this.#next ?? 200 + 800 * this.#random()
    this.#next = Math.min(10_000, delay * 1.6)
    return delay
  }

  /** After a connection that held. */
  reset(): void {
    this.#next = undefined
  }
}
