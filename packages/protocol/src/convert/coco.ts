import type { Evidence } from '../evidence.ts'
import type { Box } from '../geometry.ts'
import { countsToString, rleArea, rleBox, type Rle } from '../mask.ts'
import { ProtocolError } from '../protocol-error.ts'
import type { Region } from '../tasks/region.ts'

/** x, y, width, height in pixels from the top left. */
export type CocoBox = [x: number, y: number, width: number, height: number]

/** One row of a COCO annotation file; with `score` it is a row of a COCO results file too. */
export type CocoAnnotation = {
  id: number
  image_id: number
  category_id: number
  bbox: CocoBox
  area: number
  iscrowd: 0 | 1
  segmentation?: Rle
  score?: number
}

/** What COCO files may hold as a segmentation: compressed RLE, plain run lengths (crowds), or polygons. */
export type CocoSegmentation = Rle | { size: [number, number]; counts: number[] } | number[][]
export type Picture = { width: number; height: number }

export function toCocoBox([x0, y0, x1, y1]: Box, { width, height }: Picture): CocoBox {
  return [x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height]
}

const inside = (value: number): number => Math.min(1, Math.max(0, value))

/** Clamped to the picture: annotation files round and overshoot by a pixel. */
export function fromCocoBox([x, y, w, h]: CocoBox, { width, height }: Picture): Box {
  return [inside(x / width), inside(y / height), inside((x + w) / width), inside((y + h) / height)]
}

/**
 * Evidence as COCO annotations, one a box or one for the mask, ids counting up from `firstId` [PE3]. Absence is no annotation.
 *
 *     toCoco(evidence, { image: { id: 7, width: 640, height: 480 }, category: 1 })
 */
export function toCoco(
  evidence: Evidence,
  { image, category, firstId = 1 }: { image: Picture & { id: number }; category: number; firstId?: number },
): CocoAnnotation[] {
  const row = { image_id: image.id, category_id: category, iscrowd: 0 } as const
  const box = evidence.mask && rleBox(evidence.mask)
  if (evidence.mask && box) {
    return [{ id: firstId, ...row, bbox: toCocoBox(box, image), area: rleArea(evidence.mask), segmentation: evidence.mask, score: evidence.score }]
  }
  const regions = evidence.regions ?? (evidence.box ? [{ box: evidence.box, score: evidence.score }] : [])
  return regions.map((region, index) => {
    const bbox = toCocoBox(region.box, image)
    return { id: firstId + index, ...row, bbox, area: bbox[2] * bbox[3], score: region.score }
  })
}

/** COCO annotations of one picture as regions; ground truth without a score counts as sure. */
export function fromCoco(annotations: readonly Pick<CocoAnnotation, 'bbox' | 'score'>[], picture: Picture): Region[] {
  return annotations.map(({ bbox, score }) => ({ box: fromCocoBox(bbox, picture), score: score ?? 1 }))
}

/** A COCO segmentation as the RLE of the wire. Polygons need rasterising first, with pycocotools' own `frPyObjects`, to stay equal to it. */
export function fromCocoSegmentation(segmentation: CocoSegmentation): Rle {
  if (Array.isArray(segmentation)) {
    throw new ProtocolError('unsupported', 'A COCO mask is taken as RLE; polygons came. Convert them with pycocotools mask.frPyObjects and mask.merge.')
  }
  const { size, counts } = segmentation
  return { size, counts: typeof counts === 'string' ? counts : countsToString(counts) }
}
