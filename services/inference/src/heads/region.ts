import { boxArea, boxIou, type Box, type Region, type RegionHead } from '@fovea/protocol'
import { floatOf, type Graph } from '../model/graph.ts'
import { unit, type Head } from './head.ts'

/** Boxes for a phrase, none where the thing is not in view. */
export function regionHead(manifest: RegionHead, { main }: { main: Graph }): Head {
  const { task, token, standing, threshold, nms, inside, maxBoxes } = manifest
  return {
    task,
    token,
    standing,
    threshold,
    needsWindow: main.takes.has('visual'),
    async run({ scene, window }, states) {
      const results = await main.run({ ...scene.features, ...(window ? { visual: window.visual, times: window.times } : {}), state: states })
      const boxes = floatOf(results, 'boxes', main)
      const scores = floatOf(results, 'scores', main).data
      const object = floatOf(results, 'object', main).data
      const count = boxes.dims[1] ?? 0
      return Array.from(object, (presence, query) => {
        const found = Array.from({ length: count }, (_, index): Region => {
          const at = query * count + index
          return { box: boxAt(boxes.data, at * 4), score: unit(scores[at] ?? 0) }
        })
        const best = suppress(found, { nms, inside, limit: maxBoxes })
        const top = best[0]?.score ?? 0
        const regions = presence >= threshold ? best.filter((region) => region.score >= threshold) : []
        // What has no place is not there: the score says so too [PE2].
        return { score: unit(regions.length > 0 ? presence : Math.min(presence, top)), regions, consistency: unit(1 - Math.abs(presence - top)) }
      })
    },
  }
}

/** Greedy suppression, best first: a box that overlaps a better one, or lies nearly all inside it, is the same thing again. */
export function suppress(regions: Region[], { nms, inside, limit }: { nms: number; inside: number; limit: number }): Region[] {
  const kept: Region[] = []
  for (const region of regions.toSorted((a, b) => b.score - a.score)) {
    if (kept.length === limit) break
    if (kept.every(({ box }) => boxIou(box, region.box) <= nms && shareInside(region.box, box) <= inside)) kept.push(region)
  }
  return kept
}

/** How much of `part` lies inside `whole`, 0–1. */
function shareInside(part: Box, whole: Box): number {
  const area = boxArea(part)
  const [x0, y0, x1, y1] = part
  const common = boxArea([Math.max(x0, whole[0]), Math.max(y0, whole[1]), Math.min(x1, whole[2]), Math.min(y1, whole[3])])
  return area > 0 ? common / area : 0
}

function boxAt(data: Float32Array, at: number): Box {
  const x0 = unit(data[at] ?? 0)
  const y0 = unit(data[at + 1] ?? 0)
  return [x0, y0, Math.max(x0, unit(data[at + 2] ?? 0)), Math.max(y0, unit(data[at + 3] ?? 0))]
}
