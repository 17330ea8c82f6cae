import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MaskHead } from '@fovea/protocol'
import { z } from 'zod'
import { maskGraphs } from '../heads/mask-graphs.ts'
import { MaskTracker } from '../heads/mask-tracker.ts'
import type { Scene } from '../heads/head.ts'
import { BundleError } from './bundle-error.ts'
import { Graph } from './graph.ts'
import type { Provider } from './ort.ts'
import { openGraphRunner } from './published/open-graph.ts'
import { bytes, floats } from './tensor.ts'

/** `mask.json` of a mask head that is not yet part of a bundle, as `fovea-train export-sam` writes it. */
const MaskPart = z.object({ image: z.object({ size: z.tuple([z.int(), z.int()]) }), head: MaskHead })

export type OpenPart = {
  tracker: MaskTracker
  /** [height, width] of the pictures it is given */
  size: readonly [number, number]
  graphs: ReadonlyMap<string, Graph>
  close(): Promise<void>
}

/** A mask head by itself, without a language model: for tracks from a box or points. `watch` sees each graph's runs. */
export async function openMaskPart(
  folder: string,
  { provider = 'cpu', threads = 1, watch = (_name, run) => run() }: { provider?: Provider; threads?: number; watch?: Watch } = {},
): Promise<OpenPart> {
  const root = resolve(folder)
  const text = await readFile(join(root, 'mask.json'), 'utf8').catch((cause: unknown) => {
    throw new BundleError('mask.json', `not found in ${root}. Point to a folder that fovea-train export-sam wrote.`, cause)
  })
  const part = MaskPart.safeParse(JSON.parse(text))
  if (!part.success) throw new BundleError('mask.json', z.prettifyError(part.error))
  const { head, image } = part.data
  const graphs = new Map<string, Graph>()
  for (const [name, manifest] of Object.entries(head.graphs)) {
    if (!manifest) continue
    const runner = await openGraphRunner(join(root, manifest.file), manifest, { provider, threads })
    graphs.set(name, new Graph(`mask.${name}`, manifest, { ...runner, run: (feeds, into) => watch(name, () => runner.run(feeds, into)) }))
  }
  const tracker = new MaskTracker(
    head,
    maskGraphs(head, (name) => graphs.get(name)),
  )
  return {
    tracker,
    size: image.size,
    graphs,
    close: async () => {
      for (const graph of graphs.values()) await graph.close()
    },
  }
}

export type Watch = <Result>(graph: string, run: () => Promise<Result>) => Promise<Result>

/** A picture as a scene of nothing but its pixels: what a head with its own encoder needs. */
export function pictureScene(pixels: Uint8Array, [height, width]: readonly [number, number]): Scene {
  return { visual: floats(new Float32Array(0), [0, 0]), features: {}, pixels: bytes(pixels, [1, height, width, 3]) }
}
