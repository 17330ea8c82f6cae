import { rleOfRuns, type Box, type Rle } from '@fovea/protocol'
import { unit } from './head.ts'

export type Outline = { mask: Rle; box: Box; area: number }

/**
 * Logits of h × w, upsampled bilinearly with half-pixel centres to the frame's own size, thresholded at 0, as COCO RLE: in one pass and without
 * a picture in between. Down a column the upsampled mask is linear between two rows of logits, so a stretch whose ends agree needs no pixel at all.
 */
export function outline(logits: Float32Array, [h, w]: readonly [number, number], { height, width }: { height: number; width: number }): Outline | undefined {
  const runs: number[] = []
  const column = new Float32Array(h)
  const starts = rowStarts(h, height)
  const scaleX = w / width
  const scaleY = h / height
  let run = 0
  let value = 0
  let area = 0
  let [left, right, top, bottom] = [width, -1, height, -1]
  const paint = (bit: number, from: number, to: number, x: number): void => {
    if (to <= from) return
    if (bit !== value) {
      runs.push(run)
      run = 0
      value = bit
    }
    run += to - from
    if (bit === 0) return
    area += to - from
    if (x < left) left = x
    if (x > right) right = x
    if (from < top) top = from
    if (to - 1 > bottom) bottom = to - 1
  }
  for (let x = 0; x < width; x++) {
    const sx = Math.max(0, (x + 0.5) * scaleX - 0.5)
    const x0 = Math.min(w - 1, Math.floor(sx))
    const x1 = Math.min(w - 1, x0 + 1)
    const fx = sx - x0
    for (let j = 0; j < h; j++) {
      const a = logits[j * w + x0] ?? 0
      column[j] = a + ((logits[j * w + x1] ?? 0) - a) * fx
    }
    paint((column[0] ?? 0) > 0 ? 1 : 0, 0, starts[0] ?? 0, x)
    for (let j = 0; j < h - 1; j++) {
      const a = column[j] ?? 0
      const b = column[j + 1] ?? 0
      const from = starts[j] ?? 0
      const to = starts[j + 1] ?? 0
      if (a > 0 === b > 0) paint(a > 0 ? 1 : 0, from, to, x)
      else for (let y = from; y < to; y++) paint(a + (b - a) * ((y + 0.5) * scaleY - 0.5 - j) > 0 ? 1 : 0, y, y + 1, x)
    }
    paint((column[h - 1] ?? 0) > 0 ? 1 : 0, starts[h - 1] ?? 0, height, x)
  }
  if (area === 0) return undefined
  runs.push(run)
  const box: Box = [unit(left / width), unit(top / height), unit((right + 1) / width), unit((bottom + 1) / height)]
  return { mask: rleOfRuns(runs, height, width), box, area }
}

/** For each row of logits the first pixel row whose centre lies at or below it. */
function rowStarts(h: number, height: number): Int32Array {
  return Int32Array.from({ length: h }, (_, j) => Math.min(height, Math.max(0, Math.ceil(((j + 0.5) * height) / h - 0.5))))
}
