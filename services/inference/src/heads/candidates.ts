import type { Box, MotionRules } from '@fovea/protocol'
import { BundleError } from '../model/bundle-error.ts'
import { floatOf, type Graph, type Results } from '../model/graph.ts'
import { overlap } from './box-motion.ts'

/** One object's outlines in one frame, as the decoder gave them: several where it could not know which was meant. */
export type Candidate = { logits: Float32Array; iou: number; pointer?: Float32Array }
export type Decoded = { candidates: Candidate[]; object: number; shape: readonly [number, number] }

/** A decoder's results by object. Outlines are [Q, h, w] or [Q, n, h, w]; an IoU below 0 takes a candidate out. */
export function decoded(results: Results, decode: Graph, rows: number): Decoded[] {
  const mask = floatOf(results, 'mask', decode)
  const iou = floatOf(results, 'iou', decode).data
  const object = floatOf(results, 'object', decode).data
  const pointer = decode.gives.has('pointer') ? floatOf(results, 'pointer', decode).data : undefined
  const [h = 1, w = 1] = mask.dims.slice(-2)
  const n = mask.dims.length === 4 ? (mask.dims[1] ?? 1) : 1
  if (mask.dims[0] !== rows || iou.length !== rows * n)
    throw new BundleError(decode.file, `gave outlines ${mask.dims.join('×')} and ${iou.length} IoUs for ${rows} objects.`)
  const c = pointer ? pointer.length / (rows * n) : 0
  return Array.from({ length: rows }, (_, row): Decoded => {
    const candidates = Array.from({ length: n }, (__, index) => row * n + index)
      .filter((at) => n === 1 || (iou[at] ?? -1) >= 0)
      .map((at) => ({
        logits: mask.data.subarray(at * h * w, (at + 1) * h * w),
        iou: iou[at] ?? 0,
        ...(pointer ? { pointer: pointer.slice(at * c, (at + 1) * c) } : {}),
      }))
    return { candidates, object: object[row] ?? 0, shape: [h, w] }
  })
}

/** The best of them: by IoU, and by where the object should be, where that is known. */
export function choose({ candidates, shape }: Decoded, expected: Box | undefined, rules: MotionRules | undefined): Candidate {
  const worth = (candidate: Candidate): number => {
    if (!rules || !expected) return candidate.iou
    const box = boxOf(candidate.logits, shape)
    return rules.weight * (box ? overlap(box, expected) : 0) + (1 - rules.weight) * candidate.iou
  }
  const [first, ...others] = candidates
  if (!first) throw new RangeError('A decoder gave no outline to choose from.')
  return others.reduce((best, candidate) => (worth(candidate) > worth(best) ? candidate : best), first)
}

/** The box around what is above 0, in units of the picture. */
export function boxOf(logits: Float32Array, [h, w]: readonly [number, number]): Box | undefined {
  let [left, top, right, bottom] = [w, h, -1, -1]
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      if ((logits[y * w + x] ?? 0) <= 0) continue
      if (x < left) left = x
      if (x > right) right = x
      if (y < top) top = y
      bottom = y
    }
  }
  return right < 0 ? undefined : [left / w, top / h, (right + 1) / w, (bottom + 1) / h]
}
