import { z } from 'zod'

/** Roles a graph input may have; shapes: docs/design/bundle.md. A new role is a new manifest version. */
export const InputRole = z.union([
  z.enum([
    'pixels.frame',
    'pixels.clip',
    'ids',
    'visual',
    'times',
    'embeds',
    'lengths',
    'prefix',
    'positions',
    'attention',
    'features.s4',
    'features.s8',
    'features.s16',
    'features.s32',
    'state',
    'boxes',
    'points',
    'mask',
    'object',
    'prompt',
    'prompt.age',
    'prompt.count',
    'attended',
    'memory.tokens',
    'memory.valid',
    'memory.age',
    'memory.prompted',
    'pointer.tokens',
    'pointer.valid',
    'pointer.age',
  ]),
  z.templateLiteral(['kv.key.', z.int().min(0)]),
  z.templateLiteral(['kv.value.', z.int().min(0)]),
])
export type InputRole = z.infer<typeof InputRole>

/** Roles a graph output may have. */
export const OutputRole = z.union([
  z.enum([
    'visual',
    'embeds',
    'logits',
    'hidden',
    'features.s4',
    'features.s8',
    'features.s16',
    'features.s32',
    'boxes',
    'scores',
    'object',
    'iou',
    'mask',
    'pointer',
    'prompt',
    'attended',
    'memory.tokens',
    'spans',
    'saliency',
  ]),
  z.templateLiteral(['kv.key.', z.int().min(0)]),
  z.templateLiteral(['kv.value.', z.int().min(0)]),
])
export type OutputRole = z.infer<typeof OutputRole>

/** A path inside the bundle. */
export const BundlePath = z.string().regex(/^(?!.*\.\.)[\w./-]+$/, 'a path inside the bundle, without ".."')

/** SAM-class files that others publish; which names each uses: docs/design/bundle.md. */
export const PublishedLayout = z.enum(['transformers', 'samexporter', 'sam-video', 'jax-video', 'websam', 'efficienttam', 'sam3-tracker'])
export type PublishedLayout = z.infer<typeof PublishedLayout>

/** What such a file does not say of itself. */
export const Published = z.strictObject({
  layout: PublishedLayout,
  size: z.int().min(16).describe('pixels of a side that its encoder takes; prompts are counted in them'),
  mean: z.tuple([z.number(), z.number(), z.number()]),
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  noMemory: z
    .array(z.number())
    .optional()
    .describe('what an encoder leaves to others to add to its coarsest map where nothing is remembered, a number for each channel'),
})
export type Published = z.infer<typeof Published>

export const Graph = z.strictObject({
  file: BundlePath.describe('the ONNX file, relative to the manifest'),
  data: z.array(BundlePath).optional().describe('files beside it that hold its weights, where they are too large for the ONNX file'),
  inputs: z.record(z.string(), InputRole).describe('graph input name → role'),
  outputs: z.record(z.string(), OutputRole).describe('graph output name → role'),
  published: Published.optional().describe(
    'the file has names and prompts of its own, which the runtime translates; `inputs` and `outputs` are those of the translation',
  ),
})
export type Graph = z.infer<typeof Graph>
