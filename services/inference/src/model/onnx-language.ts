import type { BundleManifest } from '@fovea/protocol'
import type { HeadTask, Window } from '../heads/head.ts'
import { floatOf, type Graph } from './graph.ts'
import type { KvSlots } from './kv-slots.ts'
import { floats, ints, type FloatTensor } from './tensor.ts'
import type { LanguageModel, Step } from './vision-model.ts'
import type { Vocabulary } from './vocabulary.ts'

type Parts = { manifest: BundleManifest; vocabulary: Vocabulary; slots: KvSlots; graphs: { prefix?: Graph; embed: Graph; decoder: Graph } }

/** The language side of a bundle: prefix, embed and decoder graphs over the slots of the key-value cache. */
export class OnnxLanguage implements LanguageModel {
  readonly maxNewTokens: number
  readonly slots: number
  readonly eos: number
  readonly phrase: number
  readonly #parts: Parts
  readonly #width: number
  // The embed graph may look at the pictures too, so a slot keeps its window as long as it is in use.
  readonly #windows = new Map<number, Window>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.maxNewTokens = parts.manifest.language.maxNewTokens
    this.slots = parts.slots.count
    this.eos = parts.vocabulary.eos
    this.phrase = parts.vocabulary.phrase
    this.#width = parts.manifest.language.width
  }

  taskOf(trigger: number): HeadTask | undefined {
    return this.#parts.vocabulary.tokens.find((token) => token.triggerId === trigger)?.task
  }

  taskToken(task: HeadTask): number | undefined {
    return this.#parts.vocabulary.tokens.find((token) => token.task === task)?.taskId
  }

  text(ids: readonly number[]): string {
    return this.#parts.vocabulary.text(ids)
  }

  forced(phrase: string, task: HeadTask): number[] {
    const token = this.#parts.vocabulary.tokens.find((each) => each.task === task)
    if (!token) throw new Error(`This bundle has no head for ${task}.`)
    return this.#parts.vocabulary.forced(phrase, token)
  }

  acquire(): number | undefined {
    return this.#parts.slots.acquire()
  }

  release(slot: number): void {
    this.#windows.delete(slot)
    this.#parts.slots.release(slot)
  }

  length(slot: number): number {
    return this.#parts.slots.length(slot)
  }

  room(slot: number): number {
    return this.#parts.slots.room(slot)
  }

  rewind(slot: number, length: number): void {
    this.#parts.slots.rewind(slot, length)
  }

  async prefill(slot: number, window: Window, text: string): Promise<Step> {
    const { vocabulary, slots, manifest } = this.#parts
    slots.rewind(slot, 0)
    this.#windows.set(slot, window)
    const prompt = vocabulary.prompt(text)
    const pictures = await this.#prefix(window)
    const count = pictures.data.length / this.#width
    const before = await this.#embed(prompt.before, window)
    const after = await this.#embed(prompt.after, window)
    const embeds = new Float32Array(before.length + pictures.data.length + after.length)
    embeds.set(before, 0)
    embeds.set(pictures.data, before.length)
    embeds.set(after, before.length + pictures.data.length)
    const size = embeds.length / this.#width
    const prefix = manifest.language.atomicPrefix ? prompt.before.length + count : 0
    const [step] = await this.#decode([{ slot, embeds }], size, prefix)
    if (!step) throw new Error('A prefill gives one step.')
    return step
  }

  async feed(rows: readonly { slot: number; ids: readonly number[] }[]): Promise<Step[]> {
    const size = rows[0]?.ids.length ?? 0
    const fed: { slot: number; embeds: Float32Array }[] = []
    for (const { slot, ids } of rows) {
      const window = this.#windows.get(slot)
      if (!window) throw new Error(`Slot ${slot} was fed before its prompt.`)
      fed.push({ slot, embeds: await this.#embed(ids, window) })
    }
    return this.#decode(fed, size, 0)
  }

  async #prefix(window: Window): Promise<FloatTensor> {
    const { prefix } = this.#parts.graphs
    if (!prefix) return window.visual
    return floatOf(await prefix.run({ visual: window.visual, times: window.times }), 'embeds', prefix)
  }

  async #embed(ids: readonly number[], window: Window): Promise<Float32Array> {
    if (ids.length === 0) return new Float32Array(0)
    const { embed } = this.#parts.graphs
    return floatOf(await embed.run({ ids: ints(ids, [1, ids.length]), visual: window.visual, times: window.times }), 'embeds', embed).data
  }

  /** One decoder run over the range of slots that holds the rows; slots in between take part and are not listened to. */
  async #decode(rows: readonly { slot: number; embeds: Float32Array }[], size: number, prefix: number): Promise<Step[]> {
    const {
      slots,
      graphs: { decoder },
    } = this.#parts
    const from = Math.min(...rows.map((row) => row.slot))
    const count = Math.max(...rows.map((row) => row.slot)) - from + 1
    const embeds = new Float32Array(count * size * this.#width)
    for (const row of rows) embeds.set(row.embeds, (row.slot - from) * size * this.#width)
    const lengths = Array.from({ length: count }, (_, index) => Math.min(slots.length(from + index), slots.shape.max - size))
    const longest = Math.max(...lengths) + size
    const results = await decoder.run(
      {
        embeds: floats(embeds, [count, size, this.#width]),
        lengths: ints(lengths, [count]),
        prefix: ints(
          lengths.map(() => prefix),
          [count],
        ),
        ...(decoder.takes.has('positions')
          ? {
              positions: ints(
                lengths.flatMap((length) => Array.from({ length: size }, (_, index) => length + index)),
                [count, size],
              ),
            }
          : {}),
        ...(decoder.takes.has('attention')
          ? {
              attention: ints(
                lengths.flatMap((length) => Array.from({ length: longest }, (_, index) => (index < length + size ? 1 : 0))),
                [count, longest],
              ),
            }
          : {}),
        ...slots.feeds(from, count),
      },
      slots.into(from, count),
    )
    slots.advance(
      results,
      from,
      rows.map(({ slot }) => ({ slot, size })),
    )
    const logits = floatOf(results, 'logits', decoder)
    const hidden = floatOf(results, 'hidden', decoder)
    return rows.map(({ slot }) => ({ next: likeliest(lastRow(logits, slot - from)), hidden: lastRow(hidden, slot - from).slice() }))
  }
}

function lastRow({ data, dims }: FloatTensor, row: number): Float32Array {
  const [, positions = 1, width = 0] = dims
  const end = (row + 1) * positions * width
  return data.subarray(end - width, end)
}

function likeliest(logits: Float32Array): number {
  let best = 0
  for (let index = 1; index < logits.length; index++) if ((logits[index] ?? 0) > (logits[best] ?? 0)) best = index
  return best
}
