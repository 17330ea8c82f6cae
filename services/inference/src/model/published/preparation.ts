import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Published } from '@fovea/protocol'
import { z } from 'zod'
import type { Layout } from './layout.ts'

type Preparation = Omit<Published, 'layout'>

const Three = z.tuple([z.number(), z.number(), z.number()])
/** `preprocessor_config.json` of transformers, or `constants.json` of video exports: only what is needed of them. */
const Said = z.object({
  image_mean: Three.optional(),
  image_std: Three.optional(),
  image_size: z.int().optional(),
  size: z.object({ height: z.int().optional(), longest_edge: z.int().optional() }).optional(),
  no_memory_embedding: z.array(z.number()).optional(),
})

/** How pictures are prepared for published files: what the graph fixes, then what papers beside it say, then what the layout is known for. */
export async function readPreparation(folder: string, fixed: number | undefined, usual: Layout['usual']): Promise<Preparation> {
  const said: z.infer<typeof Said> = {}
  for (const name of ['preprocessor_config.json', 'constants.json']) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined)
    const parsed = text === undefined ? undefined : Said.safeParse(JSON.parse(text))
    if (parsed?.success) Object.assign(said, parsed.data)
  }
  return {
    size: fixed ?? said.image_size ?? said.size?.height ?? said.size?.longest_edge ?? usual.size,
    mean: said.image_mean ?? usual.mean,
    std: said.image_std ?? usual.std,
    ...(said.no_memory_embedding && { noMemory: said.no_memory_embedding }),
  }
}
