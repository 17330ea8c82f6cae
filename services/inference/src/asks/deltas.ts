/** Words on their way out: the first at once, then at most twenty messages a second [EV1]; nothing is lost, everything is in order. */
export class Deltas {
  readonly #emit: (text: string) => void
  readonly #clock: () => number
  readonly #everyMs: number
  #sent = ''
  #last = -Infinity

  constructor({ emit, clock, everyMs = 50 }: { emit: (text: string) => void; clock: () => number; everyMs?: number }) {
    this.#emit = emit
    this.#clock = clock
    this.#everyMs = everyMs
  }

  /** Takes the whole text so far and sends what is new, if it is time. */
  update(text: string): void {
    if (this.#clock() - this.#last >= this.#everyMs) this.flush(text)
  }

  /** Sends what is new, whatever the time: before evidence and at the end. */
  flush(text: string): void {
    if (text.length <= this.#sent.length) return
    this.#emit(text.slice(this.#sent.length))
    this.#sent = text
    this.#last = this.#clock()
  }
}
