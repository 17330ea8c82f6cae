import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Published } from '@fovea/protocol'
import { z } from 'zod'

type Preparation = Omit<Published, 'layout'>

const Three = z.tuple([z.number(), z.number(), z.number()])
/** `preprocessor_config.json` of transformers, or `constants.json` of video exports: only what is needed of them. */
const Said = z.object({
  image_mean: Three.optional(),
  image_std: Three.optional(),
  image_size: z.int().optional(),
  size: z.object({ height: z.int().optional(), longest_edge: z.int().optional() }).optional(),
})

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } satisfies Pick<Preparation, 'mean' | 'std'>
const USUAL_SIZE = 1024

/** How pictures are prepared for published files: what the graph fixes, then what papers beside it say, then what SAM 2 and EdgeTAM use. */
export async function readPreparation(folder: string, fixed: number | undefined): Promise<Preparation> {
  const said: z.infer<typeof Said> = {}
  for (const name of ['preprocessor_config.json', 'constants.json']) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined)
    const parsed = text === undefined ? undefined : Said.safeParse(JSON.parse(text))
    if (parsed?.success) Object.assign(said, parsed.data)
  }
  const size = fixed ?? said.image_size ?? said.size?.height ?? said.size?.longest_edge ?? USUAL_SIZE
  return { size, mean: said.image_mean ?? IMAGENET.mean, std: said.image_std ?? IMAGENET.std }
}
