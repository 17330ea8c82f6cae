/** Delays between attempts to reconnect: 0.2–1 s at first, 1.6 times longer each time, at most 10 s, never the same for two services. */
export class Backoff {
  #attempt = 0
  readonly #random: () => number

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  next(): number {
    const ceiling = Math.min(10_000, 1000 * 1.6 ** this.#attempt++)
    return ceiling * (0.2 + 0.8 * this.#random())
  }

  reset(): void {
    this.#attempt = 0
  }
}
