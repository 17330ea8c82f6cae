import type { BundleManifest } from '@fovea/protocol'
import type { Feeds, Results } from './graph.ts'
import { SlotBook } from './slot-book.ts'
import { floats, halves, type FloatTensor, type HalfTensor } from './tensor.ts'

export type KvShape = BundleManifest['language']['kv']
/** Where the entries of a slot live, and how a decoder run reaches them. */
export interface KvCache extends SlotBook {
  /** bytes the cache takes, whatever runs */
  readonly bytes: number
  /** whether neighbouring slots can be one batch */
  readonly batches: boolean
  feeds(from: number, rows: number): Feeds
  into(from: number, rows: number): Results
  advance(results: Results, from: number, rows: readonly { slot: number; size: number }[]): void
}
export type KvRole = `kv.key.${number}` | `kv.value.${number}`
type Entries = Float32Array | Uint16Array

/**
 * The key-value cache of every running answer: for each layer one flat array [slots, heads, max, headDim], owned by the model thread and written
 * in place. A batch of decoder steps is a range of neighbouring slots, so nothing is copied to form it.
 */
export class KvSlots extends SlotBook implements KvCache {
  readonly shape: KvShape
  readonly bytes: number
  readonly batches = true
  readonly #entries: ReadonlyMap<KvRole, Entries>

  constructor(shape: KvShape, count: number) {
    super(count, shape.max)
    this.shape = shape
    this.bytes = count * slotBytes(shape)
    const size = count * this.#slotSize()
    this.#entries = new Map(kvRoles(shape).map((role) => [role, shape.type === 'float16' ? new Uint16Array(size) : new Float32Array(size)]))
  }

  /** The cache of slots `from`…`from + rows − 1` as graph inputs. */
  feeds(from: number, rows: number): Feeds {
    const feeds: Feeds = {}
    for (const [role, entries] of this.#entries) feeds[role] = this.#range(entries, from, rows)
    return feeds
  }

  /** Where an in-place graph writes: the same memory as `feeds`. */
  into(from: number, rows: number): Results {
    const results: Results = {}
    if (this.shape.mode === 'inplace') for (const [role, entries] of this.#entries) results[role] = this.#range(entries, from, rows)
    return results
  }

  /** After a run of `size` positions: writes what an appending graph returned, and counts it, for the rows that took part. */
  advance(results: Results, from: number, rows: readonly { slot: number; size: number }[]): void {
    const { heads, headDim, max, mode, type = 'float32' } = this.shape
    if (mode === 'append') {
      for (const [role, entries] of this.#entries) {
        const fresh = results[role]
        if ((fresh?.type !== 'float32' && fresh?.type !== 'float16') || fresh.type !== type) throw new Error(`The decoder gave no ${role} of ${type}.`)
        const run = fresh.data.length / ((fresh.dims[0] ?? 1) * heads)
        for (const { slot, size } of rows) {
          for (let head = 0; head < heads; head++) {
            const source = ((slot - from) * heads + head) * run
            entries.set(fresh.data.subarray(source, source + size * headDim), ((slot * heads + head) * max + this.length(slot)) * headDim)
          }
        }
      }
    }
    for (const { slot, size } of rows) this.grow(slot, size)
  }

  #slotSize(): number {
    return this.shape.heads * this.shape.max * this.shape.headDim
  }

  #range(entries: Entries, from: number, rows: number): FloatTensor | HalfTensor {
    const { heads, max, headDim } = this.shape
    const part = entries.subarray(from * this.#slotSize(), (from + rows) * this.#slotSize())
    const dims = [rows, heads, max, headDim]
    return part instanceof Float32Array ? floats(part, dims) : halves(part, dims)
  }
}

/** Bytes of one slot. */
export function slotBytes({ layers, heads, headDim, max, type }: KvShape): number {
  return layers * 2 * heads * headDim * max * (type === 'float16' ? 2 : 4)
}

export function kvRoles({ layers }: KvShape): KvRole[] {
  return Array.from({ length: layers }, (_, layer): KvRole[] => [`kv.key.${layer}`, `kv.value.${layer}`]).flat()
}
