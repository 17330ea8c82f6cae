import { ProtocolError, type Box, type MaskHead, type Point, type Rle } from '@fovea/protocol'
import { floatOf, type Feeds, type Graph, type Results } from '../model/graph.ts'
import { floats, release, type FloatTensor, type Tensor } from '../model/tensor.ts'
import { overlap } from './box-motion.ts'
import { choose, decoded, type Decoded } from './candidates.ts'
import { unit, type Scene } from './head.ts'
import type { MaskGraphs } from './mask-graphs.ts'
import { HeadEyes } from './head-eyes.ts'
import { memoryFeeds } from './memory-feeds.ts'
import { ObjectMemory } from './object-memory.ts'
import { maskBox, maskLogits } from './mask-prompt.ts'
import { outline, type Outline } from './mask-rle.ts'

/** What an object may be pointed out with; states is [Q, d]: one object for each row. */
export type Pointing = { states: FloatTensor } | { box: Box } | { points: Point[] } | { mask: FloatTensor }
/** The name of a way to point. */
export type PointingKind = 'states' | 'box' | 'points' | 'mask'
/** One object's prompt tokens, [k, c], and the points they were made of: a box counts as two, what is not drawn as none. `drawn`: a mask that is the outline itself. */
export type PromptTokens = { data: Float32Array; k: number; c: number; count: number; drawn?: FloatTensor }
/** An object that is followed: how it was pointed out, and what of it is remembered. */
export type Followed = { prompt: PromptTokens; memory: ObjectMemory }
/** One object in one frame; `agrees`: it is where it was heading and as sure as the bundle wants it remembered. */
export type Step = {
  score: number
  iou: number
  logits: Float32Array
  shape: readonly [number, number]
  agrees: boolean
  pointer?: Float32Array
  outline?: Outline
}

/** The mask head's decoder with memory, one frame at a time, objects joining and leaving at any frame (SAM 2's shape). */
export class MaskTracker {
  readonly threshold: number
  /** what this head may be pointed at with; where `mask` is missing, the box around one is the prompt */
  readonly takes: ReadonlySet<PointingKind>
  readonly #graphs: MaskGraphs
  readonly #bank: MaskHead['bank']
  readonly #eyes: HeadEyes
  readonly #objectsAtOnce: number

  /** `objectsAtOnce`: how many one run may take, for what each of them takes of the memory. */
  constructor({ threshold, bank }: MaskHead, graphs: MaskGraphs, { objectsAtOnce = Infinity }: { objectsAtOnce?: number } = {}) {
    this.#objectsAtOnce = objectsAtOnce
    this.threshold = threshold
    this.#graphs = graphs
    this.#bank = bank
    this.#eyes = new HeadEyes(graphs.encode)
    const ways = { states: graphs['prompt.state'], box: graphs['prompt.boxes'], points: graphs['prompt.points'], mask: graphs.drawn ?? graphs['prompt.mask'] }
    this.takes = new Set((['states', 'box', 'points', 'mask'] as const).filter((way) => ways[way]))
  }

  /** A mask as a prompt: as logits where the bundle takes them, else as the box around it. */
  fromMask(mask: Rle): Pointing {
    const dims = (this.#graphs.drawn ?? this.#graphs['prompt.mask'])?.dims('mask')
    return dims ? { mask: maskLogits(mask, [fixed(dims[1]), fixed(dims[2])]) } : { box: maskBox(mask) }
  }

  async prompt(scene: Scene, pointing: Pointing): Promise<PromptTokens[]> {
    if ('mask' in pointing && this.#graphs.drawn) return [{ data: new Float32Array(0), k: 0, c: 0, count: 0, drawn: pointing.mask }]
    const { graph, feeds, count } = this.#promptGraph(pointing)
    const tokens = await this.#eyes.see(scene, async (features) => floatOf(await graph.run({ ...features, ...feeds }), 'prompt', graph))
    const [, k = 0, c = 0] = tokens.dims
    return Array.from({ length: tokens.dims[0] ?? 0 }, (_, index) => ({ data: tokens.data.slice(index * k * c, (index + 1) * k * c), k, c, count }))
  }

  begin(prompt: PromptTokens): Followed {
    return { prompt, memory: new ObjectMemory(this.#bank) }
  }

  /** Where each object is in this frame. Changes nothing: `remember` does. */
  async look(scene: Scene, objects: readonly Followed[], size: { height: number; width: number }): Promise<Step[]> {
    const steps = new Map<Followed, Step>()
    if (objects.length === 0) return []
    await this.#eyes.see(scene, async (features) => {
      for (const group of this.#groups(objects)) {
        const { graph, results } = await this.#decode(features, group)
        const found = decoded(results, graph, group.length)
        group.forEach((followed, index) => {
          const row = found[index]
          if (row) steps.set(followed, this.#step(row, followed, size))
        })
        release(results.mask)
      }
    })
    return objects.map((object) => {
      const step = steps.get(object)
      if (!step) throw new Error('Every object has a step.')
      return step
    })
  }

  /** Writes what was seen into the objects' memories, sure or not: the memory knows how sure, as it did in training. What is written may go on from what was remembered. */
  async remember(scene: Scene, seen: readonly { object: Followed; step: Step; prompted: boolean }[]): Promise<void> {
    const { memory } = this.#graphs
    if (!memory) return this.#aimAnew(scene, seen)
    const kept = seen.filter(({ step, prompted }) => prompted || step.agrees)
    if (kept.length > 0) {
      const [h, w] = kept[0]?.step.shape ?? [0, 0]
      const masks = new Float32Array(kept.length * h * w)
      kept.forEach(({ step }, index) => masks.set(step.logits, index * h * w))
      const object = Float32Array.from(kept, ({ step }) => step.score)
      const feeds = { mask: floats(masks, [kept.length, h, w]), object: floats(object, [kept.length]) }
      const before = memoryFeeds(
        memory,
        kept.map(({ object: followed }) => followed.memory),
        this.#bank.prompted + this.#bank.recent,
      )
      const tokens = await this.#eyes.see(scene, async (features) => floatOf(await memory.run({ ...features, ...feeds, ...before }), 'memory.tokens', memory))
      const size = tokens.data.length / kept.length
      kept.forEach(({ object: followed, step, prompted }, index) => {
        followed.memory.add({ tokens: tokens.data.subarray(index * size, (index + 1) * size), ...(step.pointer ? { pointer: step.pointer } : {}) }, prompted)
      })
      release(tokens, feeds.mask, before['memory.tokens'])
    }
    for (const { object, step } of seen) {
      object.memory.motion?.step(step.outline?.box)
      object.memory.tick()
    }
  }

  /** What is done where nothing is remembered: an object is looked for next where it was outlined last. */
  async #aimAnew(scene: Scene, seen: readonly { object: Followed; step: Step }[]): Promise<void> {
    for (const { object, step } of seen) {
      const [prompt] = step.outline ? await this.prompt(scene, { box: step.outline.box }) : []
      if (prompt) object.prompt = prompt
      object.memory.tick()
    }
  }

  /** What may run as one batch: prompts of as many tokens; and all that is remembered, where memory is put into the features first. */
  #groups(objects: readonly Followed[]): Followed[][] {
    const past = objects.filter((object) => this.#attends(object))
    const others = Map.groupBy(
      objects.filter((object) => !this.#attends(object)),
      ({ prompt }) => prompt.k,
    )
    return [past, ...others.values()].flatMap((group) => parts(group, this.#objectsAtOnce))
  }

  #attends({ memory }: Followed): boolean {
    return this.#graphs.attend !== undefined && !memory.empty
  }

  async #decode(features: Feeds, group: readonly Followed[]): Promise<{ graph: Graph; results: Results }> {
    const { attend, decode, drawn } = this.#graphs
    const masks = group.flatMap((object) => (object.prompt.drawn && object.memory.empty ? [object.prompt.drawn] : []))
    if (drawn && masks.length > 0) return { graph: drawn, results: await drawn.run({ ...features, mask: together(masks) }) }
    const memories = group.map(({ memory }) => memory)
    const prompts = promptFeeds(group)
    if (!attend) {
      const memory = memoryFeeds(decode, memories, this.#bank.prompted + this.#bank.recent)
      return { graph: decode, results: await decode.run({ ...features, ...prompts, ...memory }) }
    }
    if (!group.every((object) => this.#attends(object)))
      return { graph: decode, results: await decode.run({ ...features, ...prompts, attended: repeated(features.attended, group.length) }) }
    const memory = memoryFeeds(attend, memories)
    const { attended, prompt } = await attend.run({ ...features, ...memory })
    release(memory['memory.tokens'])
    // After its frame a prompt is not repeated where the head has words of its own for "no prompt".
    const blank = prompt ? { prompt, 'prompt.count': floats(new Float32Array(group.length), [group.length]) } : {}
    const results = await decode.run({ ...features, ...prompts, ...blank, attended })
    release(attended)
    return { graph: decode, results }
  }

  #step(row: Decoded, { memory }: Followed, size: { height: number; width: number }): Step {
    const rules = this.#bank.motion
    const expected = memory.motion?.expected()
    const { logits, iou, pointer } = choose(row, expected, rules)
    const score = unit(row.object)
    const shape = row.shape
    const seen = score >= this.threshold ? outline(logits, shape, size) : undefined
    const heading = expected && rules && (seen ? overlap(seen.box, expected) : 0) < rules.overlap
    const agrees = !rules || (iou >= rules.iou && score >= rules.object && !heading)
    return { score, iou: unit(iou), logits: logits.slice(), shape, agrees, ...(pointer ? { pointer } : {}), ...(seen ? { outline: seen } : {}) }
  }

  #promptGraph(pointing: Pointing): { graph: Graph; feeds: Feeds; count: number } {
    const { 'prompt.state': state, 'prompt.boxes': boxes, 'prompt.points': points, 'prompt.mask': mask } = this.#graphs
    if ('states' in pointing && state) return { graph: state, feeds: { state: pointing.states }, count: 0 }
    if ('box' in pointing && boxes) return { graph: boxes, feeds: { boxes: floats(Float32Array.from(pointing.box), [1, 4]) }, count: 2 }
    if ('points' in pointing && points) {
      return { graph: points, feeds: { points: pointsTensor(pointing.points, points.dims('points')?.[1]) }, count: pointing.points.length }
    }
    if ('mask' in pointing && mask) return { graph: mask, feeds: { mask: pointing.mask }, count: 0 }
    throw new ProtocolError('unsupported', `This model cannot follow from such a prompt. Start the track with ${state ? 'a phrase' : 'a box or points'}.`)
  }
}

/** A list in parts of at most so many; none of an empty one. */
function parts<Item>(list: readonly Item[], most: number): Item[][] {
  const size = Math.min(most, Math.max(1, list.length))
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size))
}

function promptFeeds(group: readonly Followed[]): Feeds {
  const { k, c } = group[0]?.prompt ?? { k: 0, c: 0 }
  const prompt = new Float32Array(group.length * k * c)
  group.forEach((object, index) => prompt.set(object.prompt.data.subarray(0, k * c), index * k * c))
  const row = (of: (object: Followed) => number): FloatTensor => floats(Float32Array.from(group, of), [group.length])
  return { prompt: floats(prompt, [group.length, k, c]), 'prompt.age': row(({ memory }) => memory.age), 'prompt.count': row(({ prompt: { count } }) => count) }
}

/** Masks [1, h, w] of one size as [Q, h, w]. */
function together(masks: readonly FloatTensor[]): FloatTensor {
  const size = masks[0]?.data.length ?? 0
  const data = new Float32Array(masks.length * size)
  masks.forEach((mask, row) => data.set(mask.data, row * size))
  return floats(data, [masks.length, ...(masks[0]?.dims.slice(1) ?? [])])
}

/** What all objects without a past see alike, a row for each. */
function repeated(attended: Tensor | undefined, rows: number): FloatTensor {
  if (attended?.type !== 'float32')
    throw new ProtocolError('unsupported', "The mask head's encoder gives no features for an object without a past. Export the bundle again.")
  const data = new Float32Array(rows * attended.data.length)
  for (let row = 0; row < rows; row++) data.set(attended.data, row * attended.data.length)
  return floats(data, [rows, ...attended.dims.slice(1)])
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
