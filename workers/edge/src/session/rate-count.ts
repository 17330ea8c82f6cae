/** Counts happenings in windows of fixed length: how often in the window that runs. In memory only: after an eviction it starts anew. */
export class RateCount {
  readonly #lengthMs: number
  #since = 0
  #count = 0

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs
  }

  /** One more; returns how many this makes. */
  add(now: number): number {
    if (now - this.#since >= this.#lengthMs) {
      this.#since = now
      this.#count = 0
    }
    return ++this.#count
  }

  /** Milliseconds until the window that runs is over. */
  rest(now: number): number {
    return Math.max(0, this.#since + this.#lengthMs - now)
  }
}
