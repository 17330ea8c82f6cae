import type { Feeds, Results } from './graph.ts'
import { kvRoles, slotBytes, type KvCache, type KvRole, type KvShape } from './kv-slots.ts'
import { SlotBook } from './slot-book.ts'
import { floats, halves, type Tensor } from './tensor.ts'

/**
 * A key-value cache in the memory of a GPU: what a run returned for a slot is fed to its next run and never comes back to this side. The library cannot
 * hand out a part of a device buffer, so every slot has its own and rows run one by one.
 */
export class DeviceKv extends SlotBook implements KvCache {
  readonly bytes: number
  readonly batches = false
  readonly #shape: KvShape
  readonly #roles: readonly KvRole[]
  readonly #held = new Map<number, ReadonlyMap<KvRole, Tensor>>()

  constructor(shape: KvShape, count: number) {
    super(count, shape.max)
    this.#shape = shape
    this.#roles = kvRoles(shape)
    this.bytes = count * slotBytes(shape)
  }

  feeds(slot: number): Feeds {
    const held = this.#held.get(slot)
    const feeds: Feeds = {}
    let empty: Tensor | undefined
    for (const role of this.#roles) feeds[role] = held?.get(role) ?? (empty ??= this.#empty())
    return feeds
  }

  into(): Results {
    return {}
  }

  advance(results: Results, _from: number, rows: readonly { slot: number; size: number }[]): void {
    for (const { slot, size } of rows) {
      const fresh = new Map<KvRole, Tensor>()
      for (const role of this.#roles) {
        const tensor = results[role]
        if (!tensor) throw new Error(`The decoder gave no ${role}.`)
        fresh.set(role, tensor)
      }
      this.#dispose(slot)
      this.#held.set(slot, fresh)
      this.grow(slot, size)
    }
  }

  override release(slot: number): void {
    super.release(slot)
    this.#dispose(slot)
  }

  #dispose(slot: number): void {
    for (const tensor of this.#held.get(slot)?.values() ?? []) if (tensor.type === 'device') tensor.dispose()
    this.#held.delete(slot)
  }

  #empty(): Tensor {
    const { heads, max, headDim, type } = this.#shape
    const dims = [1, heads, max, headDim]
    const size = heads * max * headDim
    return type === 'float16' ? halves(new Uint16Array(size), dims) : floats(new Float32Array(size), dims)
  }
}
