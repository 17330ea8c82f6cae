import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Box, decodeRle, MaskHead, Point, Rle } from '@fovea/protocol'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { followObjects, type FrameSteps, type Joining } from '../src/evaluation/follow-objects.ts'
import { maskGraphs } from '../src/heads/mask-graphs.ts'
import { MaskTracker, type Step } from '../src/heads/mask-tracker.ts'
import type { Graph } from '../src/model/graph.ts'
import { openMaskPart, pictureScene } from '../src/model/mask-part.ts'

// A small EdgeTAM of random weights, and what the official predictor says of the same clip: written by `python -m trainer.sam.fixture`.
const folder = join(import.meta.dirname, 'fixtures/sam')
const Told = z.array(z.array(z.object({ mask: Rle, object: z.number() })))
const Prompt = z.object({ frame: z.int(), box: Box.optional(), points: z.array(Point).optional(), mask: Rle.optional() })
const official = z
  .object({ prompts: z.array(Prompt), latePrompt: Prompt, drawnPrompt: Prompt, together: Told, late: Told, drawn: Told })
  .parse(JSON.parse(readFileSync(join(folder, 'official.json'), 'utf8')))

const runs: Record<string, number> = {}
const part = await openMaskPart(folder, {
  watch: (name, run) => {
    runs[name] = (runs[name] ?? 0) + 1
    return run()
  },
})
afterAll(() => part.close())
const [height, width] = part.size
const clip = gunzipSync(readFileSync(join(folder, 'frames.rgb.gz')))
const frames = Array.from({ length: clip.length / (height * width * 3) }, (_, index) =>
  clip.subarray(index * height * width * 3, (index + 1) * height * width * 3),
)

function need(name: string): Graph {
  const graph = part.graphs.get(name)
  if (!graph) throw new Error(`The fixture has a graph ${name}.`)
  return graph
}

async function follow(objects: Joining[]): Promise<FrameSteps[]> {
  const seen: FrameSteps[] = []
  for await (const frame of followObjects(part, frames, objects)) seen.push(frame)
  return seen
}

test('three objects over twenty frames are outlined as the official predictor outlines them', async () => {
  const seen = await follow(official.prompts)
  expect(seen).toHaveLength(20)
  for (const { frame, steps } of seen) {
    for (const { object, step } of steps) {
      const told = official.together[frame]?.[object]
      expect(iou(step, told?.mask), `frame ${frame}, object ${object}`).toBeGreaterThanOrEqual(0.99)
      expect(step.score).toBeCloseTo(1 / (1 + Math.exp(-(told?.object ?? 0))), 3)
    }
  }
})

test('an object that joins later, beside others, is outlined as if it were alone', async () => {
  const seen = await follow([...official.prompts, official.latePrompt])
  const late = seen.flatMap(({ steps }) => steps.filter(({ object }) => object === official.prompts.length).map(({ step }) => step))
  expect(late).toHaveLength(official.late.length)
  late.forEach((step, index) => expect(iou(step, official.late[index]?.[0]?.mask), `step ${index}`).toBeGreaterThanOrEqual(0.99))
})

test('a drawn mask is its outline in its own frame, and is followed as the official predictor follows it', async () => {
  const { drawnPrompt, drawn } = official
  const seen = await follow([...official.prompts, drawnPrompt])
  const steps = seen.flatMap(({ steps: all }) => all.filter(({ object }) => object === official.prompts.length).map(({ step }) => step))
  expect(steps).toHaveLength(drawn.length)
  steps.forEach((step, index) => expect(iou(step, drawn[index]?.[0]?.mask), `step ${index}`).toBeGreaterThanOrEqual(0.99))
  const { mask } = drawnPrompt
  if (!mask || !steps[0]?.outline) throw new Error('It is drawn, and outlined.')
  const [given, outlined] = [decodeRle(mask), decodeRle(steps[0].outline.mask)]
  const [both, either] = given.reduce(([b, e], bit, at) => [b + (bit & (outlined[at] ?? 0)), e + (bit | (outlined[at] ?? 0))], [0, 0])
  expect(both / either).toBeGreaterThan(0.9)
})

test('an object that leaves changes nothing for the others', async () => {
  const [first, second] = official.prompts
  if (!first || !second) throw new Error('The fixture has three prompts.')
  const { tracker } = part
  const followed = new Map<string, ReturnType<typeof tracker.begin>>()
  for (const [frame, pixels] of frames.slice(0, 10).entries()) {
    const scene = pictureScene(pixels, part.size)
    if (frame === 0) {
      for (const [name, prompt] of Object.entries({ first, second })) {
        const [tokens] = await tracker.prompt(scene, prompt.box ? { box: prompt.box } : { points: prompt.points ?? [] })
        if (tokens) followed.set(name, tracker.begin(tokens))
      }
    }
    if (frame === 4) followed.delete('second')
    const objects = [...followed.values()]
    const steps = await tracker.look(scene, objects, { height, width })
    expect(iou(steps[0], official.together[frame]?.[0]?.mask)).toBeGreaterThanOrEqual(0.99)
    await tracker.remember(
      scene,
      objects.flatMap((object, index) => (steps[index] ? [{ object, step: steps[index], prompted: frame === 0 }] : [])),
    )
  }
})

test('a frame is encoded once, and all that is remembered is attended and decoded together', async () => {
  for (const name of Object.keys(runs)) runs[name] = 0
  await follow(official.prompts)
  // On the first frame the prompts have 2, 3 and 3 tokens: two batches.
  expect(runs).toMatchObject({ encode: 20, attend: 19, decode: 2 + 19, memory: 20 })
})

test('objects that do not fit into one run are attended in several, and outlined as before', async () => {
  const head = z.object({ head: MaskHead }).parse(JSON.parse(readFileSync(join(folder, 'mask.json'), 'utf8'))).head
  const tracker = new MaskTracker(
    head,
    maskGraphs(head, (name) => part.graphs.get(name)),
    { objectsAtOnce: 2 },
  )
  for (const name of Object.keys(runs)) runs[name] = 0
  for await (const { frame, steps } of followObjects({ ...part, tracker }, frames, official.prompts))
    for (const { object, step } of steps) expect(iou(step, official.together[frame]?.[object]?.mask), `frame ${frame}`).toBeGreaterThanOrEqual(0.99)
  expect(runs).toMatchObject({ encode: 20, attend: 2 * 19, decode: 2 + 2 * 19 })
})

test('memory is bounded: seven frames of tokens in half precision, sixteen pointers', async () => {
  const { tracker } = part
  const scene = pictureScene(frames[0] ?? new Uint8Array(0), part.size)
  const [prompt] = await tracker.prompt(scene, { points: [[0.2, 0.2, 1]] })
  if (!prompt) throw new Error('No prompt.')
  const object = tracker.begin(prompt)
  for (let frame = 0; frame < 40; frame++) {
    const [step] = await tracker.look(scene, [object], { height, width })
    if (step) await tracker.remember(scene, [{ object, step, prompted: frame === 0 }])
  }
  expect(object.memory.entries().map(({ age, prompted }) => [age, prompted])).toEqual([[40, true], ...[1, 2, 3, 4, 5, 6].map((age) => [age, false])])
  expect(object.memory.pointers()).toHaveLength(16)
})

test('with rules of motion, frames that are not sure enough are not remembered', async () => {
  const head = z.object({ head: MaskHead }).parse(JSON.parse(readFileSync(join(folder, 'mask.json'), 'utf8'))).head
  const graphs = {
    encode: need('encode'),
    'prompt.state': need('prompt.state'),
    'prompt.points': need('prompt.points'),
    attend: need('attend'),
    decode: need('decode'),
    memory: need('memory'),
  }
  const remembered = async (least: number): Promise<number[]> => {
    const motion = { weight: 0.2, settle: 2, iou: least, object: 0, overlap: 0 }
    const tracker = new MaskTracker({ ...head, bank: { ...head.bank, motion } }, graphs)
    const [prompt] = await tracker.prompt(pictureScene(frames[0] ?? new Uint8Array(0), part.size), { points: [[0.2, 0.2, 1]] })
    if (!prompt) throw new Error('No prompt.')
    const object = tracker.begin(prompt)
    for (const [frame, pixels] of frames.slice(0, 6).entries()) {
      const scene = pictureScene(pixels, part.size)
      const [step] = await tracker.look(scene, [object], { height, width })
      if (step) await tracker.remember(scene, [{ object, step, prompted: frame === 0 }])
    }
    return object.memory.entries().map(({ age }) => age)
  }
  // Only the frame it was pointed out in: none of these outlines is wholly sure.
  expect(await remembered(1)).toEqual([6])
  expect(await remembered(0)).toEqual([6, 1, 2, 3, 4, 5])
})

/** Of an outline in logits with the official one, at the logits' own size. */
function iou(step: Step | undefined, told: Rle | undefined): number {
  if (!step || !told) return 0
  expect(told.size).toEqual(step.shape)
  const other = decodeRle(told)
  let both = 0
  let either = 0
  step.logits.forEach((logit, index) => {
    const [a, b] = [logit > 0, other[index] === 1]
    if (a && b) both++
    if (a || b) either++
  })
  return either === 0 ? 1 : both / either
}
