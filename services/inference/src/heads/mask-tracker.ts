import { ProtocolError, type Box, type MaskHead, type Point, type Rle } from '@fovea/protocol'
import { floatOf, type Graph } from '../model/graph.ts'
import { floats, type FloatTensor } from '../model/tensor.ts'
import { unit, type Scene } from './head.ts'
import { ObjectMemory } from './object-memory.ts'
import { maskBox, maskLogits } from './mask-prompt.ts'
import { outline, type Outline } from './mask-rle.ts'

/** What an object may be pointed out with; states is [Q, d]: one object for each row. */
export type Pointing = { states: FloatTensor } | { box: Box } | { points: Point[] } | { mask: FloatTensor }
/** One object's prompt tokens, [k, c]. */
export type PromptTokens = { data: Float32Array; k: number; c: number }
/** An object that is followed: how it was pointed out, and what of it is remembered. */
export type Followed = { prompt: PromptTokens; memory: ObjectMemory }
export type Step = { score: number; iou: number; logits: Float32Array; shape: readonly [number, number]; outline?: Outline }

type MaskGraphs = { [Name in keyof MaskHead['graphs']]: Graph }

/** The mask head's decoder with memory, one frame at a time, objects joining and leaving at any frame (SAM 2's shape). */
export class MaskTracker {
  readonly threshold: number
  readonly #graphs: MaskGraphs
  readonly #bank: MaskHead['bank']

  constructor({ threshold, bank }: MaskHead, graphs: MaskGraphs) {
    this.threshold = threshold
    this.#graphs = graphs
    this.#bank = bank
  }

  /** A mask as a prompt: as logits where the bundle takes them, else as the box around it. */
  fromMask(mask: Rle): Pointing {
    const dims = this.#graphs['prompt.mask']?.dims('mask')
    return dims ? { mask: maskLogits(mask, [fixed(dims[1]), fixed(dims[2])]) } : { box: maskBox(mask) }
  }

  async prompt(scene: Scene, pointing: Pointing): Promise<PromptTokens[]> {
    const [graph, feeds] = this.#promptGraph(pointing)
    const tokens = floatOf(await graph.run({ ...scene.features, ...feeds }), 'prompt', graph)
    const [, k = 0, c = 0] = tokens.dims
    return Array.from({ length: tokens.dims[0] ?? 0 }, (_, index) => ({ data: tokens.data.slice(index * k * c, (index + 1) * k * c), k, c }))
  }

  begin(prompt: PromptTokens): Followed {
    return { prompt, memory: new ObjectMemory(this.#bank) }
  }

  /** Where each object is in this frame. Changes nothing: `remember` does. */
  async look(scene: Scene, objects: readonly Followed[], size: { height: number; width: number }): Promise<Step[]> {
    const { decode } = this.#graphs
    const [, M, m, c] = decode.dims('memory.tokens') ?? []
    const entries = this.#bank.prompted + this.#bank.recent
    const shape = [typeof M === 'number' ? M : entries, fixed(m), fixed(c)] as const
    const steps = new Map<Followed, Step>()
    // Prompts of different kinds may have different numbers of tokens; each number is one batch.
    for (const group of Map.groupBy(objects, (object) => object.prompt.k).values()) {
      const results = await decode.run({ ...scene.features, ...promptFeeds(group), ...memoryFeeds(group, shape) })
      const mask = floatOf(results, 'mask', decode)
      const object = floatOf(results, 'object', decode).data
      const iou = floatOf(results, 'iou', decode).data
      const [, h = 1, w = 1] = mask.dims
      group.forEach((followed, index) => {
        const logits = mask.data.slice(index * h * w, (index + 1) * h * w)
        const score = unit(object[index] ?? 0)
        steps.set(followed, {
          score,
          iou: unit(iou[index] ?? 0),
          logits,
          shape: [h, w],
          outline: score >= this.threshold ? outline(logits, [h, w], size) : undefined,
        })
      })
    }
    return objects.map((object) => {
      const step = steps.get(object)
      if (!step) throw new Error('Every object has a step.')
      return step
    })
  }

  /** Writes what was seen into the objects' memories, sure or not: the memory knows how sure, as it did in training. */
  async remember(scene: Scene, kept: readonly { object: Followed; step: Step; prompted: boolean }[]): Promise<void> {
    const { memory } = this.#graphs
    if (kept.length > 0) {
      const [h, w] = kept[0]?.step.shape ?? [0, 0]
      const masks = new Float32Array(kept.length * h * w)
      kept.forEach(({ step }, index) => masks.set(step.logits, index * h * w))
      const object = floats(
        Float32Array.from(kept, ({ step }) => step.score),
        [kept.length],
      )
      const tokens = floatOf(await memory.run({ ...scene.features, mask: floats(masks, [kept.length, h, w]), object }), 'memory.tokens', memory)
      const size = tokens.data.length / kept.length
      kept.forEach(({ object: followed, prompted }, index) => followed.memory.add(tokens.data.slice(index * size, (index + 1) * size), prompted))
    }
    for (const { object } of kept) object.memory.tick()
  }

  #promptGraph(pointing: Pointing): [Graph, Record<string, FloatTensor>] {
    const { 'prompt.state': state, 'prompt.boxes': boxes, 'prompt.points': points, 'prompt.mask': mask } = this.#graphs
    if ('states' in pointing) return [state, { state: pointing.states }]
    if ('box' in pointing && boxes) return [boxes, { boxes: floats(Float32Array.from(pointing.box), [1, 4]) }]
    if ('points' in pointing && points) return [points, { points: pointsTensor(pointing.points, points.dims('points')?.[1]) }]
    if ('mask' in pointing && mask) return [mask, { mask: pointing.mask }]
    throw new ProtocolError('unsupported', 'This model cannot follow from such a prompt. Start the track with a phrase.')
  }
}

function promptFeeds(group: readonly Followed[]): { prompt: FloatTensor; 'prompt.age': FloatTensor } {
  const { k, c } = group[0]?.prompt ?? { k: 0, c: 0 }
  const prompt = new Float32Array(group.length * k * c)
  group.forEach((object, index) => prompt.set(object.prompt.data, index * k * c))
  return {
    prompt: floats(prompt, [group.length, k, c]),
    'prompt.age': floats(
      Float32Array.from(group, (object) => object.memory.age),
      [group.length],
    ),
  }
}

function memoryFeeds(
  group: readonly Followed[],
  [M, m, c]: readonly [number, number, number],
): Record<'memory.tokens' | 'memory.valid' | 'memory.age', FloatTensor> {
  const tokens = new Float32Array(group.length * M * m * c)
  const valid = new Float32Array(group.length * M)
  const age = new Float32Array(group.length * M)
  group.forEach((object, row) => {
    object.memory.entries().forEach((entry, index) => {
      if (index >= M) return
      tokens.set(entry.tokens, (row * M + index) * m * c)
      valid[row * M + index] = 1
      age[row * M + index] = entry.age
    })
  })
  return {
    'memory.tokens': floats(tokens, [group.length, M, m, c]),
    'memory.valid': floats(valid, [group.length, M]),
    'memory.age': floats(age, [group.length, M]),
  }
}

function pointsTensor(points: readonly Point[], places: number | string | undefined): FloatTensor {
  const n = typeof places === 'number' ? places : points.length
  const data = new Float32Array(n * 3).map((_, index) => (index % 3 === 2 ? -1 : 0))
  points.slice(0, n).forEach((point, index) => data.set(point, index * 3))
  return floats(data, [1, n, 3])
}

function fixed(dim: number | string | undefined): number {
  if (typeof dim === 'number') return dim
  throw new ProtocolError('unsupported', `The mask head leaves a dimension open (${String(dim)}) that must be fixed. Export the bundle again.`)
}
