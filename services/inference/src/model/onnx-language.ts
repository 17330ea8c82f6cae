import { ProtocolError, type Box, type BundleManifest } from '@fovea/protocol'
import type { HeadTask, Window } from '../heads/head.ts'
import { BundleError } from './bundle-error.ts'
import { Decoder, type DecoderRow } from './decoder.ts'
import { floatOf, type Graph } from './graph.ts'
import type { KvCache } from './kv-slots.ts'
import { floats, ints, type FloatTensor } from './tensor.ts'
import type { LanguageModel, Step } from './vision-model.ts'
import type { Vocabulary } from './vocabulary.ts'

type Parts = {
  manifest: BundleManifest
  vocabulary: Vocabulary
  slots: KvCache
  /** positions of a prompt that one decoder run takes */
  chunk: number
  graphs: { prefix?: Graph; embed: Graph; box?: Graph; decoder: Graph }
}

/** The language side of a bundle: prefix, embed and decoder graphs over the slots of the key-value cache. */
export class OnnxLanguage implements LanguageModel {
  readonly maxNewTokens: number
  readonly slots: number
  readonly eos: number
  readonly phrase: number
  readonly #parts: Parts
  readonly #width: number
  readonly #decoder: Decoder
  // The embed graph may look at the pictures too, so a slot keeps its window as long as it is in use.
  readonly #windows = new Map<number, Window>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.maxNewTokens = parts.manifest.language.maxNewTokens
    this.slots = parts.slots.count
    this.eos = parts.vocabulary.eos
    this.phrase = parts.vocabulary.phrase
    const { width, vocabulary, kv } = parts.manifest.language
    this.#width = width
    this.#decoder = new Decoder(parts.graphs.decoder, parts.slots, { width, vocabulary, inPlace: kv.mode === 'inplace' })
  }

  /** whether a question may hold boxes */
  get takesBoxes(): boolean {
    return this.#parts.graphs.box !== undefined
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

  async prefill(slot: number, window: Window, text: string, boxes: readonly Box[] = []): Promise<Step> {
    const parts = this.prefillInParts(slot, window, text, boxes)
    for (;;) {
      const part = await parts.next()
      if (part.done) return part.value
    }
  }

  async *prefillInParts(slot: number, window: Window, text: string, boxes: readonly Box[] = []): AsyncGenerator<void, Step> {
    const { vocabulary, slots, manifest } = this.#parts
    slots.rewind(slot, 0)
    this.#windows.set(slot, window)
    const prompt = vocabulary.prompt(text, boxes.length)
    const pictures = await this.#prefix(window)
    const before = await this.#embed(prompt.before, window)
    const after = await this.#withBoxes(prompt.after, await this.#embed(prompt.after, window), boxes)
    const embeds = new Float32Array(before.length + pictures.data.length + after.length)
    embeds.set(before, 0)
    embeds.set(pictures.data, before.length)
    embeds.set(after, before.length + pictures.data.length)
    const size = embeds.length / this.#width
    if (size > slots.room(slot)) {
      const message = `The question takes ${size} positions of this model with its pictures; it holds ${slots.max}. Ask in fewer words.`
      throw new ProtocolError('too-large', message, { expected: slots.max, got: size })
    }
    const whole = manifest.language.atomicPrefix ? prompt.before.length + pictures.data.length / this.#width : 0
    for (let from = 0; ;) {
      const to = Math.min(size, Math.max(from + this.#parts.chunk, from === 0 ? whole : 0))
      const [step] = await this.#decoder.run([{ slot, embeds: embeds.subarray(from * this.#width, to * this.#width) }], to - from, from === 0 ? whole : 0)
      if (!step) throw new Error('A prefill gives one step.')
      if (to === size) return step
      from = to
      yield
    }
  }

  async feed(rows: readonly { slot: number; ids: readonly number[] }[]): Promise<Step[]> {
    const size = rows[0]?.ids.length ?? 0
    const fed: DecoderRow[] = []
    for (const { slot, ids } of rows) {
      const window = this.#windows.get(slot)
      if (!window) throw new Error(`Slot ${slot} was fed before its prompt.`)
      fed.push({ slot, embeds: await this.#embed(ids, window) })
    }
    return this.#decoder.run(fed, size, 0)
  }

  async #prefix(window: Window): Promise<FloatTensor> {
    const { prefix } = this.#parts.graphs
    if (!prefix) return window.visual
    return floatOf(await prefix.run({ visual: window.visual, times: window.times }), 'embeds', prefix)
  }

  /** What stands in a prompt for each of these boxes, one vector after the other. */
  async boxes(boxes: readonly Box[]): Promise<Float32Array> {
    const { box } = this.#parts.graphs
    if (!box) throw new ProtocolError('unsupported', 'This model takes no boxes in a question. Ask in words, or start a track with the box.')
    const { data, dims } = floatOf(await box.run({ boxes: floats(Float32Array.from(boxes.flat()), [boxes.length, 4]) }), 'embeds', box)
    if (data.length !== boxes.length * this.#width)
      throw new BundleError(box.file, `gave embeds of ${dims.join('×')} for ${boxes.length} boxes; ${boxes.length}×${this.#width} is expected.`)
    return data
  }

  /** The places of a prompt that stand for boxes, by what the bundle makes of those. */
  async #withBoxes(ids: readonly number[], embeds: Float32Array, boxes: readonly Box[]): Promise<Float32Array> {
    const { vocabulary } = this.#parts
    if (boxes.length === 0) return embeds
    const made = await this.boxes(boxes)
    const filled = embeds.slice()
    let box = 0
    ids.forEach((id, place) => {
      if (id === vocabulary.box) filled.set(made.subarray(box * this.#width, ++box * this.#width), place * this.#width)
    })
    return filled
  }

  async #embed(ids: readonly number[], window: Window): Promise<Float32Array> {
    if (ids.length === 0) return new Float32Array(0)
    const { embed } = this.#parts.graphs
    return floatOf(await embed.run({ ids: ints(ids, [1, ids.length]), visual: window.visual, times: window.times }), 'embeds', embed).data
  }
}
