import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Box, decodeRle, Point, Rle, type PublishedLayout } from '@fovea/protocol'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { maskGraphs } from '../src/heads/mask-graphs.ts'
import { MaskTracker } from '../src/heads/mask-tracker.ts'
import { Graph } from '../src/model/graph.ts'
import { pictureScene } from '../src/model/mask-part.ts'
import { inspectPublished, type PublishedPart } from '../src/model/published/inspect-published.ts'
import { openGraphRunner } from '../src/model/published/open-graph.ts'
import { placePrompts } from '../src/model/published/prompts.ts'
import { recognise } from '../src/model/published/recognise.ts'
import { whyUnfit } from '../src/model/published/unfit.ts'
import { floats } from '../src/model/tensor.ts'

// Small EdgeTAMs and SAMs of random weights under the names of each layout, and what the official image predictor says: written by `python -m trainer.sam.published`.
const folder = join(import.meta.dirname, 'fixtures/published')
const Told = z.object({
  size: z.int(),
  prompts: z.array(z.object({ box: Box.optional(), points: z.array(Point).optional() })),
  told: z.array(z.object({ candidates: z.array(z.object({ iou: z.number(), mask: Rle })) })),
})
const picture = gunzipSync(readFileSync(join(import.meta.dirname, 'fixtures/sam/frames.rgb.gz'))).subarray(0, 128 * 128 * 3)

async function trackerOf(root: string, { head }: PublishedPart): Promise<MaskTracker> {
  if (head.task !== 'mask') throw new Error('It is a mask head.')
  const graphs = new Map<string, Graph>()
  for (const [name, graph] of Object.entries(head.graphs)) {
    if (graph) graphs.set(name, new Graph(`mask.${name}`, graph, await openGraphRunner(join(root, graph.file), graph, { provider: 'cpu', threads: 1 })))
  }
  return new MaskTracker(
    head,
    maskGraphs(head, (part) => graphs.get(part)),
  )
}

// These choose an outline themselves, and give the single one where two points or a box leave no doubt.
const SINGLE: readonly PublishedLayout[] = ['sam-video', 'efficienttam']

describe.each<PublishedLayout>(['transformers', 'samexporter', 'sam-video', 'jax-video', 'websam', 'efficienttam', 'sam3-tracker'])(
  'files of the layout %s',
  (layout) => {
    const root = join(folder, layout)
    const { size, prompts, told } = Told.parse(JSON.parse(readFileSync(join(root, 'told.json'), 'utf8')))

    test('are recognised by their names, and outline what the official predictor outlines', async () => {
      const part = await inspectPublished(root)
      expect(part.layout).toBe(layout)
      const tracker = await trackerOf(root, part)
      const scene = pictureScene(picture, [size, size])
      for (const [index, { box, points }] of prompts.entries()) {
        const [prompt] = await tracker.prompt(scene, box ? { box } : { points: points ?? [] })
        if (!prompt) throw new Error('A prompt gives an object.')
        const [step] = await tracker.look(scene, [tracker.begin(prompt)], { height: size, width: size })
        const offered = SINGLE.includes(layout) && prompt.k > 1 ? (told[index]?.candidates.slice(3) ?? []) : (told[index]?.candidates.slice(0, 3) ?? [])
        const best = offered.toSorted((a, b) => b.iou - a.iou)[0]
        if (!step || !best) throw new Error('There is an outline on both sides.')
        expect(step.iou).toBeCloseTo(best.iou, 3)
        const other = decodeRle(best.mask)
        const apart = step.logits.reduce((sum, logit, at) => sum + Number(logit > 0 !== (other[at] === 1)), 0)
        expect(apart / other.length, `prompt ${index}`).toBeLessThan(0.005)
      }
    })

    test('objects asked together are outlined as they are alone', async () => {
      const tracker = await trackerOf(root, await inspectPublished(root))
      const scene = pictureScene(picture, [size, size])
      const boxes: Box[] = [
        [0.6, 0.2, 0.8, 0.4],
        [0.1, 0.1, 0.4, 0.3],
      ]
      const objects = (await Promise.all(boxes.map((box) => tracker.prompt(scene, { box })))).flat().map((prompt) => tracker.begin(prompt))
      const together = await tracker.look(scene, objects, { height: size, width: size })
      for (const [index, object] of objects.entries()) {
        const [alone] = await tracker.look(scene, [object], { height: size, width: size })
        expect(together[index]?.logits).toEqual(alone?.logits)
      }
    })
  },
)

test('a folder without a pair of files of one layout is refused with what it holds', async () => {
  await expect(inspectPublished(join(import.meta.dirname, 'fixtures/sam'))).rejects.toThrow(/mask-encode\.onnx \(pixels → s4, s8, s16, fresh\)/)
})

test.each<[PublishedLayout, string, RegExp]>([
  [
    'websam',
    'no_mem_embed.onnx',
    /Of the layout websam there is .*vision_encoder\.onnx \(encoder\).*, but not the graph that turns vision_features into conditioned_features/,
  ],
  ['jax-video', 'constants.json', /Put it into constants\.json as no_memory_embedding/],
  ['sam3-tracker', 'tracker-decoder.onnx', /Of the layout sam3-tracker there is vision-encoder\.onnx \(encoder\), but no decoder\./],
])('files of the layout %s without %s are refused with the reason', async (layout, missing, reason) => {
  const some = mkdtempSync(join(tmpdir(), 'fovea-published-'))
  try {
    for (const file of readdirSync(join(folder, layout))) if (file !== missing) copyFileSync(join(folder, layout, file), join(some, file))
    await expect(inspectPublished(some)).rejects.toThrow(reason)
  } finally {
    rmSync(some, { recursive: true })
  }
})

test('the detector of SAM 3 is refused, since it takes words and finds everything that is like a box', () => {
  const inputs = ['fpn_feat_0', 'fpn_feat_1', 'fpn_feat_2', 'fpn_pos_2', 'text_features', 'text_mask', 'input_boxes', 'input_boxes_labels'].map((name) =>
    port(name),
  )
  const outputs = ['pred_masks', 'pred_boxes', 'pred_logits', 'presence_logits'].map((name) => port(name))
  expect(whyUnfit([{ file: 'pcs-decoder.onnx', inputs, outputs, recognised: recognise({ inputs, outputs }) }])).toEqual([
    expect.stringContaining('pcs-decoder.onnx is a detector as SAM 3 has it: it wants words read by an encoder of its own (text_features)'),
  ])
})

const port = (name: string) => ({ name, type: 'float32', dims: [] })

test('a graph that only resembles a layout is none', () => {
  const maps = ['image_embeddings.0', 'image_embeddings.1', 'image_embeddings.2'].map((name) => port(name))
  expect(recognise({ inputs: [port('pixel_values')], outputs: maps })?.layout.name).toBe('transformers')
  expect(recognise({ inputs: [port('pixel_values'), port('pixel_mask')], outputs: maps })).toBeUndefined()
  const decoder = { inputs: [...maps, port('input_points'), port('input_labels')], outputs: [port('pred_masks'), port('iou_scores')] }
  expect(recognise(decoder)?.part).toBe('decoder')
  expect(recognise({ ...decoder, inputs: [...decoder.inputs, port('input_words')] })).toBeUndefined()
})

test('without a memory, an object is looked for where it was outlined last, and stays there while it is not seen', async () => {
  const head = {
    task: 'mask' as const,
    standing: false,
    phrases: false as const,
    token: { trigger: '<mask>', task: '<mask_task>' },
    threshold: 0.5,
    graphs: {
      decode: { file: 'd.onnx', inputs: { prompt: 'prompt' as const }, outputs: { mask: 'mask' as const, iou: 'iou' as const, object: 'object' as const } },
    },
    bank: { prompted: 1, recent: 0 },
  }
  const [asked, present]: [number[][], number[]] = [[], [1, 1, 0, 1]]
  // Outlines the cells one to the right of those it is pointed to, of 8 x 8.
  const decode = new Graph('mask.decode', head.graphs.decode, {
    inputs: [{ name: 'prompt', type: 'float32', dims: [] }],
    outputs: ['mask', 'iou', 'object'].map((name) => ({ name, type: 'float32', dims: [] })),
    async run({ prompt }) {
      if (prompt?.type !== 'float32') throw new TypeError('A prompt comes.')
      const [x0 = 0, y0 = 0, , x1 = 0, y1 = 0] = prompt.data
      asked.push([x0, y0, x1, y1].map((place) => Math.round(place * 8)))
      const mask = new Float32Array(64).map((_, at) => {
        const [x, y] = [at % 8, Math.floor(at / 8)]
        return x >= x0 * 8 + 1 && x < x1 * 8 + 1 && y >= y0 * 8 && y < y1 * 8 ? 5 : -5
      })
      return { mask: floats(mask, [1, 8, 8]), iou: floats(Float32Array.of(0.9), [1]), object: floats(Float32Array.of(present[asked.length - 1] ?? 1), [1]) }
    },
    close: async () => {},
  })
  const tracker = new MaskTracker(head, { ...placePrompts('d.onnx'), decode })
  const scene = { visual: floats(new Float32Array(0), [0, 0]), features: {} }
  const [prompt] = await tracker.prompt(scene, { box: [0.125, 0.25, 0.375, 0.5] })
  if (!prompt) throw new Error('A box gives an object.')
  const object = tracker.begin(prompt)
  for (let frame = 0; frame < 4; frame++) {
    const [step] = await tracker.look(scene, [object], { height: 64, width: 64 })
    if (step) await tracker.remember(scene, [{ object, step, prompted: frame === 0 }])
  }
  expect(asked).toEqual([
    [1, 2, 3, 4],
    [2, 2, 4, 4],
    [3, 2, 5, 4],
    [3, 2, 5, 4],
  ])
})
