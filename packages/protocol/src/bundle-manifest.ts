import { z } from 'zod'
import { Task } from './tasks/task.ts'

/**
 * What a model bundle says about itself: `manifest.json`. The runtime knows no model by name; it feeds every
 * graph input and reads every output by *role*. Shapes and meaning of each role: docs/design/bundle.md.
 */
export const MANIFEST_VERSION = 1

/** Roles a graph input may have. A new role is a new manifest version. */
export const InputRole = z.union([
  z.enum([
    'pixels.frame', 'pixels.clip', 'ids', 'visual', 'times', 'embeds', 'lengths', 'prefix', 'positions', 'attention',
    'features.s4', 'features.s8', 'features.s16', 'features.s32',
    'state', 'boxes', 'points', 'mask', 'object', 'prompt', 'prompt.age',
    'memory.tokens', 'memory.valid', 'memory.age',
  ]),
  z.templateLiteral(['kv.key.', z.int().min(0)]),
  z.templateLiteral(['kv.value.', z.int().min(0)]),
])
export type InputRole = z.infer<typeof InputRole>

/** Roles a graph output may have. */
export const OutputRole = z.union([
  z.enum([
    'visual', 'embeds', 'logits', 'hidden',
    'features.s4', 'features.s8', 'features.s16', 'features.s32',
    'boxes', 'scores', 'object', 'iou', 'mask', 'pointer', 'prompt', 'memory.tokens', 'spans', 'saliency',
  ]),
  z.templateLiteral(['kv.key.', z.int().min(0)]),
  z.templateLiteral(['kv.value.', z.int().min(0)]),
])
export type OutputRole = z.infer<typeof OutputRole>

const file = z.string().regex(/^(?!.*\.\.)[\w./-]+$/, 'a path inside the bundle, without ".."')

export const Graph = z.strictObject({
  file: file.describe('the ONNX file, relative to the manifest'),
  inputs: z.record(z.string(), InputRole).describe('graph input name → role'),
  outputs: z.record(z.string(), OutputRole).describe('graph output name → role'),
})
export type Graph = z.infer<typeof Graph>

const headBase = {
  standing: z.boolean().describe('true: a task embedding computed once may be used on later frames'),
  token: z.strictObject({ trigger: z.string(), task: z.string() }).describe('the token pair, e.g. <region> → <region_task>'),
  threshold: z.number().min(0).max(1).describe('the served threshold on `object` and `scores`'),
}

export const RegionHead = z.strictObject({
  task: z.literal('region'), ...headBase,
  graphs: z.strictObject({ main: Graph }),
  nms: z.number().min(0).max(1).default(0.6).describe('IoU above which the weaker of two boxes is dropped'),
  maxBoxes: z.int().min(1).max(100).default(10),
})

export const MaskHead = z.strictObject({
  task: z.literal('mask'), ...headBase,
  graphs: z.strictObject({
    'prompt.state': Graph, 'prompt.boxes': Graph.optional(), 'prompt.points': Graph.optional(), 'prompt.mask': Graph.optional(),
    decode: Graph, memory: Graph,
  }),
  bank: z.strictObject({
    prompted: z.int().min(1).describe('memory entries of prompted frames that are kept'),
    recent: z.int().min(0).describe('memory entries of the last frames that are kept'),
  }),
})

export const MomentHead = z.strictObject({
  task: z.literal('moment'), ...headBase,
  graphs: z.strictObject({ main: Graph }),
  nms: z.number().min(0).max(1).default(0.7).describe('temporal IoU above which the weaker of two spans is dropped'),
})

export const HeadManifest = z.discriminatedUnion('task', [RegionHead, MaskHead, MomentHead])
export type HeadManifest = z.infer<typeof HeadManifest>
export type RegionHead = z.infer<typeof RegionHead>
export type MaskHead = z.infer<typeof MaskHead>
export type MomentHead = z.infer<typeof MomentHead>

export const BundleManifest = z.strictObject({
  manifest: z.literal(MANIFEST_VERSION),
  name: z.string().min(1),
  version: z.string().min(1),
  licence: z.string().min(1),
  description: z.string().optional(),
  image: z.strictObject({
    size: z.tuple([z.int().min(16), z.int().min(16)]).describe('[height, width] of the pictures the vision graph takes'),
    resize: z.literal('stretch').describe('pictures are stretched to `size`; boxes are normalised, so they need no undoing'),
  }),
  vision: z.strictObject({
    unit: z.enum(['frame', 'clip']),
    tokens: z.int().min(1).describe('N, visual tokens a unit'),
    width: z.int().min(1).describe('C, channels of a visual token'),
  }),
  sampling: z.strictObject({
    frames: z.int().min(1).describe('T, frames the language model sees'),
    everyMs: z.number().positive().describe('spacing of the frames of a `now` or `{frame}` ask'),
  }),
  language: z.strictObject({
    width: z.int().min(1).describe('d, width of embeddings and hidden states'),
    vocabulary: z.int().min(1),
    eos: z.string().describe('the token that ends an answer'),
    template: z.string().describe('Jinja template of the prompt over {text}; `visualToken` marks where the visual prefix goes'),
    visualToken: z.string(),
    phraseToken: z.string().describe('<p>: the words after it are what the next trigger grounds; never shown'),
    boxToken: z.string().optional().describe('<box>: placeholder for a box of the prompt'),
    maxNewTokens: z.int().min(1),
    atomicPrefix: z.boolean().describe('true: the visual prefix is bidirectional, prefill must not split it'),
    kv: z.strictObject({
      layers: z.int().min(1), heads: z.int().min(1), headDim: z.int().min(1),
      max: z.int().min(1).describe('positions a slot holds'),
      mode: z.enum(['append', 'inplace']).describe('append: the graph returns the new entries, the host writes them; inplace: past and present are one buffer'),
    }),
  }),
  graphs: z.strictObject({ vision: Graph, prefix: Graph.optional(), embed: Graph, box: Graph.optional(), decoder: Graph }),
  tokenizer: file,
  heads: z.array(HeadManifest),
  hashes: z.record(file, z.string().regex(/^[0-9a-f]{64}$/)).describe('SHA-256 of every file of the bundle but the manifest and the card'),
  golden: file.optional().describe('golden/index.json'),
  metrics: z.record(z.string(), z.number()).optional(),
  parts: z.array(z.strictObject({ name: z.string(), source: z.string(), licence: z.string() })).optional().describe('what the bundle is made of, with licences'),
})
export type BundleManifest = z.infer<typeof BundleManifest>

/** The tasks a bundle serves: one for each head, and `track` wherever there is a mask head. */
export function tasksOf(manifest: BundleManifest): Task[] {
  return manifest.heads.flatMap((head): Task[] => (head.task === 'mask' ? ['mask', 'track'] : [head.task]))
}
