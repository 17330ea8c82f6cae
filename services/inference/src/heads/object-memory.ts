import type { MaskHead } from '@fovea/protocol'
import { toBfloat16 } from './bfloat16.ts'
import { BoxMotion } from './box-motion.ts'

/** What one frame leaves behind: memory tokens, and the object's pointer where the head has such. */
export type Remembered = { tokens: Float32Array; pointer?: Float32Array }
/** Numbers as they are kept: plain, or the bits of bfloat16. */
export type Kept = Float32Array | Uint16Array
type Entry = { tokens: Kept; pointer?: Float32Array; at: number }
type Pointer = { pointer: Float32Array; at: number }

/** What a track remembers of its object: the frames it was pointed out in, and the last few. Bounded. */
export class ObjectMemory {
  /** where the object is heading, in heads that ask for it */
  readonly motion: BoxMotion | undefined
  readonly #bank: MaskHead['bank']
  readonly #prompted: Entry[] = []
  readonly #recent: Entry[] = []
  readonly #pointers: Pointer[] = []
  #now = 0
  #promptedAt = 0

  constructor(bank: MaskHead['bank']) {
    this.#bank = bank
    this.motion = bank.motion && new BoxMotion(bank.motion.settle)
  }

  /** Frames since the object was last pointed out. */
  get age(): number {
    return this.#now - this.#promptedAt
  }

  get empty(): boolean {
    return this.#prompted.length + this.#recent.length === 0
  }

  /** Keeps a copy: the tokens may be part of something larger. */
  add(seen: Remembered, prompted: boolean): void {
    const tokens = this.#bank.stored === 'bfloat16' ? toBfloat16(seen.tokens) : seen.tokens.slice()
    const entry = { ...seen, tokens, at: this.#now }
    if (prompted) {
      this.#promptedAt = this.#now
      keep(this.#prompted, entry, this.#bank.prompted)
      return
    }
    keep(this.#recent, entry, this.#bank.recent)
    if (seen.pointer) keep(this.#pointers, { pointer: seen.pointer, at: this.#now }, this.#bank.pointers ?? 0)
  }

  /** A frame has passed. */
  tick(): void {
    this.#now++
  }

  /** Prompted entries first, then recent ones, newest first; `age` in frames, or in remembered frames where not all are. */
  entries(): { tokens: Kept; age: number; prompted: boolean }[] {
    const chosen = this.#bank.motion !== undefined
    return [
      ...this.#prompted.toReversed().map(({ tokens, at }) => ({ tokens, age: this.#now - at, prompted: true })),
      ...this.#recent.toReversed().map(({ tokens, at }, index) => ({ tokens, age: chosen ? index + 1 : this.#now - at, prompted: false })),
    ]
  }

  /** Object pointers in the same order, with their age in frames. */
  pointers(): { pointer: Float32Array; age: number }[] {
    const told = this.#prompted.flatMap(({ pointer, at }) => (pointer ? [{ pointer, at }] : []))
    return [...told.toReversed(), ...this.#pointers.toReversed()].map(({ pointer, at }) => ({ pointer, age: this.#now - at }))
  }
}

function keep<Item>(list: Item[], item: Item, most: number): void {
  list.push(item)
  if (list.length > most) list.shift()
}
