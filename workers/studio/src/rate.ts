/** Events a second over the last two seconds, and the last value told: what the meters of the page show. */
export class Rate {
  readonly #now: () => number
  #times: number[] = []

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  count(): void {
    this.#times.push(this.#now())
  }

  get perSecond(): number {
    const now = this.#now()
    this.#times = this.#times.filter((time) => now - time < 2000)
    const first = this.#times[0]
    const last = this.#times.at(-1)
    if (first === undefined || last === undefined || last === first || now - last > 1500) return 0
    return ((this.#times.length - 1) * 1000) / (last - first)
  }
}
