import type { BundleManifest } from '@fovea/protocol'
import { BundleError } from '../model/bundle-error.ts'
import type { Graph } from '../model/graph.ts'
import type { Head } from './head.ts'
import { maskHead } from './mask.ts'
import { maskGraphs } from './mask-graphs.ts'
import { MaskTracker } from './mask-tracker.ts'
import { momentHead } from './moment.ts'
import { regionHead } from './region.ts'

export type Heads = { list: readonly Head[]; tracker?: MaskTracker }
type Manifest = BundleManifest['heads'][number]

/** A head for each entry of the manifest. A new head is a file beside the others and a case here. One that takes no phrases is never asked, so it is not listed. */
export function buildHeads(
  manifests: readonly Manifest[],
  graphOf: (task: string, part: string) => Graph | undefined,
  { objectsAtOnce = Infinity }: { objectsAtOnce?: number } = {},
): Heads {
  let tracker: MaskTracker | undefined
  const list = manifests.map((manifest): Head => {
    const need = (part: string): Graph => {
      const graph = graphOf(manifest.task, part)
      if (!graph) throw new BundleError('manifest.json', `the head for ${manifest.task} has no graph ${part}.`)
      return graph
    }
    switch (manifest.task) {
      case 'region':
        return regionHead(manifest, { main: need('main') })
      case 'moment':
        return momentHead(manifest, { main: need('main') })
      case 'mask': {
        tracker = new MaskTracker(
          manifest,
          maskGraphs(manifest, (part) => graphOf('mask', part)),
          { objectsAtOnce },
        )
        return maskHead(manifest, tracker)
      }
    }
  })
  return { list: list.filter((_, index) => manifests[index]?.phrases !== false), tracker }
}
