import { batchesOf } from './decoder-batches.ts'
import { floatOf, type Graph, type Results } from './graph.ts'
import type { KvCache } from './kv-slots.ts'
import { floats, ints, type FloatTensor } from './tensor.ts'
import type { Step } from './vision-model.ts'

export type DecoderRow = { slot: number; embeds: Float32Array }
type Sizes = { width: number; vocabulary: number; inPlace: boolean }

/** The decoder graph over the slots of the cache: each call is as few runs as the graph allows. */
export class Decoder {
  readonly #graph: Graph
  readonly #slots: KvCache
  readonly #sizes: Sizes
  /** logits are read and forgotten at once, so every run may write them to the same place */
  #logits = new Float32Array(0)

  constructor(graph: Graph, slots: KvCache, sizes: Sizes) {
    this.#graph = graph
    this.#slots = slots
    this.#sizes = sizes
  }

  /** `size` positions for each row; the first `prefix` of them see each other both ways. */
  async run(rows: readonly DecoderRow[], size: number, prefix: number): Promise<Step[]> {
    const bySlot = new Map(rows.map((row) => [row.slot, row]))
    const steps = new Map<number, Step>()
    const batches = batchesOf([...bySlot.keys()], {
      // GroupQueryAttention, which in-place graphs have, takes one row where it takes several positions behind a past.
      together: this.#slots.batches && !(this.#sizes.inPlace && size > 1),
      mayIdle: (slot) => this.#slots.room(slot) >= size,
    })
    for (const batch of batches) {
      const own = batch.flatMap((slot) => bySlot.get(slot) ?? [])
      const made = await this.#batch(own, size, prefix)
      own.forEach(({ slot }, index) => {
        const step = made[index]
        if (step) steps.set(slot, step)
      })
    }
    return rows.flatMap(({ slot }) => steps.get(slot) ?? [])
  }

  /** One run over a range of slots, its rows in the order of their slots. */
  async #batch(rows: readonly DecoderRow[], size: number, prefix: number): Promise<Step[]> {
    const { width } = this.#sizes
    const from = rows[0]?.slot ?? 0
    const count = (rows.at(-1)?.slot ?? from) - from + 1
    const embeds = new Float32Array(count * size * width)
    for (const row of rows) embeds.set(row.embeds, (row.slot - from) * size * width)
    const lengths = Array.from({ length: count }, (_, index) => Math.min(this.#slots.length(from + index), this.#slots.max - size))
    const results = await this.#graph.run(
      {
        embeds: floats(embeds, [count, size, width]),
        lengths: ints(lengths, [count]),
        prefix: ints(
          lengths.map(() => prefix),
          [count],
        ),
        ...this.#places(lengths, size),
        ...this.#slots.feeds(from, count),
      },
      { ...this.#slots.into(from, count), ...this.#answers(count, size) },
    )
    this.#slots.advance(
      results,
      from,
      rows.map(({ slot }) => ({ slot, size })),
    )
    const logits = floatOf(results, 'logits', this.#graph)
    const hidden = floatOf(results, 'hidden', this.#graph)
    return rows.map(({ slot }) => ({ next: likeliest(lastRow(logits, slot - from)), hidden: lastRow(hidden, slot - from).slice() }))
  }

  /** Positions and attention mask, for graphs that want to be told. */
  #places(lengths: readonly number[], size: number) {
    const count = lengths.length
    const longest = Math.max(...lengths) + size
    const { takes } = this.#graph
    return {
      ...(takes.has('positions') && {
        positions: ints(
          lengths.flatMap((length) => Array.from({ length: size }, (_, index) => length + index)),
          [count, size],
        ),
      }),
      ...(takes.has('attention') && {
        attention: ints(
          lengths.flatMap((length) => Array.from({ length: longest }, (_, index) => (index < length + size ? 1 : 0))),
          [count, longest],
        ),
      }),
    }
  }

  /** Where an in-place graph puts its answers; the runtime copies what it has to make room for itself. */
  #answers(count: number, size: number): Results {
    const { width, vocabulary, inPlace } = this.#sizes
    if (!inPlace || this.#graph.outputDims('logits')?.[1] !== 1) return {}
    if (this.#logits.length < count * vocabulary) this.#logits = new Float32Array(count * vocabulary)
    const positions = this.#graph.outputDims('hidden')?.[1] === 1 ? 1 : size
    return {
      logits: floats(this.#logits.subarray(0, count * vocabulary), [count, 1, vocabulary]),
      hidden: floats(new Float32Array(count * positions * width), [count, positions, width]),
    }
  }
}

function lastRow({ data, dims }: FloatTensor, row: number): Float32Array {
  const [, positions = 1, width = 0] = dims
  const end = (row + 1) * positions * width
  return data.subarray(end - width, end)
}

function likeliest(logits: Float32Array): number {
  let best = 0
  let most = -Infinity
  for (let index = 0; index < logits.length; index++) {
    const value = logits[index] ?? -Infinity
    if (value > most) {
      most = value
      best = index
    }
  }
  return best
}
