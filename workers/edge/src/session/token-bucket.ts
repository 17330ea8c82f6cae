/** So much a second, with at most one second saved up. */
export class TokenBucket {
  readonly #rate: number
  #tokens: number
  #at: number

  constructor(rate: number, now: number) {
    this.#rate = rate
    this.#tokens = rate
    this.#at = now
  }

  /** Takes `amount` if there is that much; a full bucket serves any single amount, so that nothing waits for ever. */
  take(amount: number, now: number): boolean {
    if (now > this.#at) {
      this.#tokens = Math.min(this.#rate, this.#tokens + ((now - this.#at) / 1000) * this.#rate)
      this.#at = now
    }
    if (this.#tokens < Math.min(amount, this.#rate)) return false
    this.#tokens -= amount
    return true
  }
}
