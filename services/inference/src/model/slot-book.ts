/** Which slots of the key-value cache are taken, and how far each is filled. */
export class SlotBook {
  readonly count: number
  readonly max: number
  readonly #lengths: number[]
  readonly #free: number[]

  constructor(count: number, max: number) {
    this.count = count
    this.max = max
    this.#lengths = Array.from({ length: count }, () => 0)
    this.#free = Array.from({ length: count }, (_, index) => index)
  }

  get free(): number {
    return this.#free.length
  }

  /** The lowest free slot, so that running answers are neighbours. */
  acquire(): number | undefined {
    this.#free.sort((a, b) => a - b)
    const slot = this.#free.shift()
    if (slot !== undefined) this.#lengths[slot] = 0
    return slot
  }

  release(slot: number): void {
    if (this.#free.includes(slot)) return
    // An idle slot may lie between two that run; the shorter it is the less it costs them.
    this.#lengths[slot] = 0
    this.#free.push(slot)
  }

  length(slot: number): number {
    return this.#lengths[slot] ?? 0
  }

  /** Forgets everything from a position on: what stands before stays valid. */
  rewind(slot: number, length: number): void {
    this.#lengths[slot] = Math.min(length, this.length(slot))
  }

  room(slot: number): number {
    return this.max - this.length(slot)
  }

  protected grow(slot: number, size: number): void {
    this.#lengths[slot] = this.length(slot) + size
  }
}
