import { boxIou } from '@fovea/protocol'
import type { Box } from '@fovea/protocol'
import type { ScoredBox } from './record.ts'

/** IoU of the best-scoring box with the truth; REC's Acc@k is the share of asks where it is at least k. No box: 0. */
export function bestIou(boxes: readonly ScoredBox[], truth: Box): number {
  const [first, ...rest] = boxes
  if (!first) return 0
  return boxIou(rest.reduce((best, box) => (box.score > best.score ? box : best), first).box, truth)
}

/** How many boxes find a truth: in falling score, each takes the free truth of highest IoU, if that is at least the threshold. */
export function matched(boxes: readonly ScoredBox[], truths: readonly Box[], threshold = 0.5): number {
  const free = new Set(truths)
  let hits = 0
  for (const { box } of boxes.toSorted((a, b) => b.score - a.score)) {
    let best: { truth: Box; iou: number } | undefined
    for (const truth of free) {
      const iou = boxIou(box, truth)
      if (!best || iou > best.iou) best = { truth, iou }
    }
    if (!best || best.iou < threshold) continue
    free.delete(best.truth)
    hits++
  }
  return hits
}

/** The share of asks that one box, the same for all, would get right: the best box with corners on a grid of eighths. */
export function bestConstantBox(truths: readonly Box[], threshold: number, steps = 8): number {
  let best = 0
  for (let x0 = 0; x0 < steps; x0++) {
    for (let x1 = x0 + 1; x1 <= steps; x1++) {
      for (let y0 = 0; y0 < steps; y0++) {
        for (let y1 = y0 + 1; y1 <= steps; y1++) {
          const box: Box = [x0 / steps, y0 / steps, x1 / steps, y1 / steps]
          best = Math.max(best, truths.filter((truth) => boxIou(box, truth) >= threshold).length)
        }
      }
    }
  }
  return truths.length === 0 ? 0 : best / truths.length
}
