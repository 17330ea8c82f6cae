import type { Evidence } from '../evidence.ts'
import type { Box } from '../geometry.ts'
import { decodeRle, encodeRle } from '../mask.ts'
import type { Span } from '../tasks/moment.ts'

/**
 * Results as the TPO release gives and takes them (arXiv 2412.19326 section 3.2; CG-DETR's evaluation files for moments):
 * boxes x0 y0 x1 y1 as fractions of the picture, masks as rows of booleans, windows as [start, end, score] in seconds.
 */
export type TpoResult = {
  boxes?: number[][]
  mask?: boolean[][]
  windows?: [start: number, end: number, score: number][]
}

/** Evidence in TPO's conventions [PE3]. Windows come best first, as its evaluation expects. */
export function toTpo(evidence: Pick<Evidence, 'regions' | 'mask' | 'spans'>): TpoResult {
  const result: TpoResult = {}
  if (evidence.regions) result.boxes = evidence.regions.map((region) => [...region.box])
  if (evidence.mask) {
    const [height, width] = evidence.mask.size
    const bits = decodeRle(evidence.mask)
    result.mask = Array.from({ length: height }, (_, y) => Array.from(bits.subarray(y * width, (y + 1) * width), (bit) => bit === 1))
  }
  if (evidence.spans) {
    result.windows = evidence.spans.toSorted((a, b) => b.score - a.score).map(({ start, end, score }) => [start / 1000, end / 1000, score])
  }
  return result
}

/** TPO's results as the lists of an evidence. Its region head has no sigmoid: boxes are clamped, and an inverted one is no box [PE2]. */
export function fromTpo({ boxes, mask, windows }: TpoResult): Pick<Evidence, 'regions' | 'mask' | 'spans'> {
  const evidence: Pick<Evidence, 'regions' | 'mask' | 'spans'> = {}
  if (boxes) evidence.regions = boxes.flatMap((box) => boxOf(box) ?? []).map((box) => ({ box, score: 1 }))
  if (mask) evidence.mask = encodeRle(Uint8Array.from(mask.flat(), Number), mask.length, mask[0]?.length ?? 0)
  if (windows) evidence.spans = windows.map(([start, end, score]): Span => ({ start: Math.max(0, start * 1000), end: Math.max(0, end * 1000), score }))
  return evidence
}

function boxOf(values: readonly number[]): [Box] | undefined {
  const [x0, y0, x1, y1] = values.map((value) => Math.min(1, Math.max(0, value)))
  if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined || x1 <= x0 || y1 <= y0) return undefined
  return [[x0, y0, x1, y1]]
}
