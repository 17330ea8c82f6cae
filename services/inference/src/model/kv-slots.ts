import type { BundleManifest, OutputRole } from '@fovea/protocol'
import type { Feeds, Results } from './graph.ts'
import { floats } from './tensor.ts'

type Shape = BundleManifest['language']['kv']

/**
 * The key-value cache of every running answer: for each layer one flat array [slots, heads, max, headDim], owned by the model thread and written
 * in place. A batch of decoder steps is a range of neighbouring slots, so nothing is copied to form it.
 */
export class KvSlots {
  readonly count: number
  readonly shape: Shape
  readonly #keys: Float32Array[]
  readonly #values: Float32Array[]
  readonly #lengths: number[]
  readonly #free: number[]

  constructor(shape: Shape, count: number) {
    this.count = count
    this.shape = shape
    const size = count * this.#slotSize()
    this.#keys = Array.from({ length: shape.layers }, () => new Float32Array(size))
    this.#values = Array.from({ length: shape.layers }, () => new Float32Array(size))
    this.#lengths = Array.from({ length: count }, () => 0)
    this.#free = Array.from({ length: count }, (_, index) => index)
  }

  get free(): number {
    return this.#free.length
  }

  /** Bytes the cache takes, whatever runs. */
  get bytes(): number {
    return this.count * this.#slotSize() * this.shape.layers * 2 * 4
  }

  /** The lowest free slot, so that running answers are neighbours. */
  acquire(): number | undefined {
    this.#free.sort((a, b) => a - b)
    const slot = this.#free.shift()
    if (slot !== undefined) this.#lengths[slot] = 0
    return slot
  }

  release(slot: number): void {
    if (!this.#free.includes(slot)) this.#free.push(slot)
  }

  length(slot: number): number {
    return this.#lengths[slot] ?? 0
  }

  /** Forgets everything from a position on: what stands before stays valid. */
  rewind(slot: number, length: number): void {
    this.#lengths[slot] = Math.min(length, this.length(slot))
  }

  room(slot: number): number {
    return this.shape.max - this.length(slot)
  }

  /** The cache of slots `from`…`from + rows − 1` as graph inputs. */
  feeds(from: number, rows: number): Feeds {
    const feeds: Feeds = {}
    this.#each(from, rows, (role, data, dims) => {
      feeds[role] = floats(data, dims)
    })
    return feeds
  }

  /** Where an in-place graph writes: the same memory as `feeds`. */
  into(from: number, rows: number): Results {
    const results: Results = {}
    if (this.shape.mode === 'inplace')
      this.#each(from, rows, (role, data, dims) => {
        results[role] = floats(data, dims)
      })
    return results
  }

  /** After a run of `size` positions: writes what an appending graph returned, and counts it, for the rows that took part. */
  advance(results: Results, from: number, rows: readonly { slot: number; size: number }[]): void {
    const { heads, headDim, max, layers, mode } = this.shape
    if (mode === 'append') {
      for (let layer = 0; layer < layers; layer++) {
        for (const [role, cache] of [
          [`kv.key.${layer}`, this.#keys[layer]],
          [`kv.value.${layer}`, this.#values[layer]],
        ] as const) {
          const fresh = results[role as OutputRole]
          if (fresh?.type !== 'float32' || !cache) throw new Error(`The decoder gave no ${role}.`)
          const run = fresh.data.length / ((fresh.dims[0] ?? 1) * heads)
          for (const { slot, size } of rows) {
            for (let head = 0; head < heads; head++) {
              const source = ((slot - from) * heads + head) * run
              cache.set(fresh.data.subarray(source, source + size * headDim), ((slot * heads + head) * max + this.length(slot)) * headDim)
            }
          }
        }
      }
    }
    for (const { slot, size } of rows) this.#lengths[slot] = this.length(slot) + size
  }

  #slotSize(): number {
    return this.shape.heads * this.shape.max * this.shape.headDim
  }

  #each(from: number, rows: number, visit: (role: `kv.key.${number}` | `kv.value.${number}`, data: Float32Array, dims: number[]) => void): void {
    const { heads, max, headDim } = this.shape
    const size = this.#slotSize()
    const dims = [rows, heads, max, headDim]
    this.#keys.forEach((keys, layer) => visit(`kv.key.${layer}`, keys.subarray(from * size, (from + rows) * size), dims))
    this.#values.forEach((values, layer) => visit(`kv.value.${layer}`, values.subarray(from * size, (from + rows) * size), dims))
  }
}
