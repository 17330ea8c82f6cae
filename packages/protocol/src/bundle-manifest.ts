import { z } from 'zod'
import { BundlePath, Graph } from './graph.ts'
import { HeadManifest, tasksOfHeads, type Task } from './tasks/task.ts'

/** One thing that a bundle is made of. A bundle may mix families: the backbone of one, the mask head of another. */
export const BundlePart = z.strictObject({
  name: z.string(),
  source: z.string(),
  licence: z.string(),
  role: z.enum(['backbone', 'region', 'mask', 'moment']).optional().describe('what it is in this bundle: the backbone, or the head of a task'),
})
export type BundlePart = z.infer<typeof BundlePart>

/**
 * What a model bundle says about itself: `manifest.json`. The runtime knows no model by name; it feeds every
 * graph input and reads every output by *role*. Shapes and meaning of each role: docs/design/bundle.md.
 */
export const MANIFEST_VERSION = 1

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
    closedVocabulary: z.boolean().optional().describe('true: the model knows the words of its tokenizer alone; a question about another is refused'),
    maxNewTokens: z.int().min(1),
    atomicPrefix: z.boolean().describe('true: the visual prefix is bidirectional, prefill must not split it'),
    kv: z.strictObject({
      layers: z.int().min(1),
      heads: z.int().min(1),
      headDim: z.int().min(1),
      max: z.int().min(1).describe('positions a slot holds'),
      type: z.enum(['float32', 'float16']).optional().describe('of the entries; float32 where nothing is said'),
      mode: z.enum(['append', 'inplace']).describe('append: the graph returns the new entries, the host writes them; inplace: past and present are one buffer'),
    }),
  }),
  graphs: z.strictObject({ vision: Graph, prefix: Graph.optional(), embed: Graph, box: Graph.optional(), decoder: Graph }),
  tokenizer: BundlePath,
  heads: z.array(HeadManifest),
  hashes: z.record(BundlePath, z.string().regex(/^[0-9a-f]{64}$/)).describe('SHA-256 of every file of the bundle but the manifest and the card'),
  golden: BundlePath.optional().describe('golden/index.json'),
  metrics: z.record(z.string(), z.number()).optional(),
  parts: z.array(BundlePart).optional().describe('what the bundle is made of, with licences'),
})
export type BundleManifest = z.infer<typeof BundleManifest>

/** The tasks a bundle serves: those of its heads, and `track` wherever there is a mask head. */
export function tasksOf(manifest: BundleManifest): Task[] {
  return tasksOfHeads(manifest.heads)
}
