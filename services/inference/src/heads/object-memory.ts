type Entry = { tokens: Float32Array; at: number }

/** What a track remembers of its object: the frames it was pointed out in, and the last few it was surely seen in. Bounded. */
export class ObjectMemory {
  readonly #bank: { prompted: number; recent: number }
  readonly #prompted: Entry[] = []
  readonly #recent: Entry[] = []
  #now = 0
  #promptedAt = 0

  constructor(bank: { prompted: number; recent: number }) {
    this.#bank = bank
  }

  /** Frames since the object was last pointed out. */
  get age(): number {
    return this.#now - this.#promptedAt
  }

  add(tokens: Float32Array, prompted: boolean): void {
    const [list, limit] = prompted ? [this.#prompted, this.#bank.prompted] : [this.#recent, this.#bank.recent]
    list.push({ tokens, at: this.#now })
    if (prompted) this.#promptedAt = this.#now
    if (list.length > limit) list.shift()
  }

  /** A frame has passed. */
  tick(): void {
    this.#now++
  }

  /** Prompted entries first, then recent ones, newest first; `age` in frames. */
  entries(): { tokens: Float32Array; age: number }[] {
    return [...this.#prompted.toReversed(), ...this.#recent.toReversed()].map(({ tokens, at }) => ({ tokens, age: this.#now - at }))
  }
}
