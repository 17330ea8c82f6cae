import { z } from 'zod'
import type { Box } from './geometry.ts'

/** Pixels that a mask may have: a few bytes of RLE can name any size, so decoding allocates no more than this. */
export const MAX_MASK_PIXELS = 67_108_864
const Side = z.int().min(1).max(0xffff)

/** COCO compressed RLE, byte-equal to pycocotools; `size` is [height, width]. */
export const Rle = z.strictObject({ size: z.tuple([Side, Side]), counts: z.string().max(1_048_576) })
export type Rle = z.infer<typeof Rle>

/** Encodes a row-major mask of height × width bytes (0 = background). Runs go down the columns and start with background. */
export function encodeRle(mask: Uint8Array, height: number, width: number): Rle {
  const counts: number[] = []
  let run = 0
  let value = 0
  for (let x = 0; x < width; x++) {
    for (let index = x; index < height * width; index += width) {
      const bit = mask[index] ? 1 : 0
      if (bit !== value) {
        counts.push(run)
        run = 0
        value = bit
      }
      run++
    }
  }
  counts.push(run)
  return { size: [height, width], counts: countsToString(counts) }
}

/** A mask from its runs down the columns, background first: for whoever has runs and no picture. */
export function rleOfRuns(runs: readonly number[], height: number, width: number): Rle {
  return { size: [height, width], counts: countsToString(runs) }
}

/** Decodes to a row-major mask of 0 and 1. Throws RangeError where the runs do not fill the size exactly, or the size is beyond MAX_MASK_PIXELS. */
export function decodeRle({ size: [height, width], counts }: Rle): Uint8Array {
  if (height * width > MAX_MASK_PIXELS) throw new RangeError(`A mask has at most ${MAX_MASK_PIXELS} pixels; ${height}×${width} came.`)
  const mask = new Uint8Array(height * width)
  let at = 0
  let value = 0
  for (const run of stringToCounts(counts)) {
    if (run < 0 || at + run > mask.length) throw new RangeError(`RLE of ${height}×${width} holds ${mask.length} pixels; its runs go past that.`)
    if (value) for (let index = at; index < at + run; index++) mask[(index % height) * width + Math.floor(index / height)] = 1
    at += run
    value ^= 1
  }
  if (at !== mask.length) throw new RangeError(`RLE of ${height}×${width} holds ${mask.length} pixels; its runs fill ${at}.`)
  return mask
}

/** Pixels of the mask that are set. */
export function rleArea(rle: Rle): number {
  let area = 0
  stringToCounts(rle.counts).forEach((run, index) => {
    if (index % 2) area += run
  })
  return area
}

/** The smallest box around the mask, 0–1 from the top left; undefined where no pixel is set. */
export function rleBox({ size: [height, width], counts }: Rle): Box | undefined {
  let [left, top, right, bottom] = [width, height, 0, 0]
  let at = 0
  stringToCounts(counts).forEach((run, index) => {
    if (index % 2 && run > 0) {
      const [first, last] = [at, at + run - 1]
      left = Math.min(left, Math.floor(first / height))
      right = Math.max(right, Math.floor(last / height) + 1)
      // A run that goes on into the next column touches the top and the bottom.
      const wraps = Math.floor(first / height) !== Math.floor(last / height)
      top = wraps ? 0 : Math.min(top, first % height)
      bottom = wraps ? height : Math.max(bottom, (last % height) + 1)
    }
    at += run
  })
  return right > left ? [left / width, top / height, right / width, bottom / height] : undefined
}

/** Run lengths, background first, as the compressed string of COCO: from the fourth on the difference to the one two before, 5 bits a character, low bits first, offset 48. */
export function countsToString(counts: readonly number[]): string {
  let text = ''
  counts.forEach((count, index) => {
    let rest = index > 2 ? count - (counts[index - 2] ?? 0) : count
    let more = true
    while (more) {
      let bits = rest & 0x1f
      rest >>= 5
      more = bits & 0x10 ? rest !== -1 : rest !== 0
      if (more) bits |= 0x20
      text += String.fromCharCode(bits + 48)
    }
  })
  return text
}

function stringToCounts(text: string): number[] {
  const counts: number[] = []
  let at = 0
  while (at < text.length) {
    let value = 0
    let shift = 0
    let more = true
    while (more) {
      const bits = text.charCodeAt(at) - 48
      if (!(bits >= 0 && bits < 64)) throw new RangeError(`RLE character ${at} is missing or not one of the 64 allowed.`)
      value |= (bits & 0x1f) << shift
      more = (bits & 0x20) !== 0
      at++
      shift += 5
      if (!more && bits & 0x10) value |= -1 << shift
    }
    if (counts.length > 2) value += counts[counts.length - 2] ?? 0
    counts.push(value)
  }
  return counts
}
