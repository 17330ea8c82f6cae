import { decodeRle } from '@fovea/protocol'
import type { Rle } from '@fovea/protocol'

/** A mask unpacked: one byte a pixel, row by row. */
export type Pixels = { height: number; width: number; bits: Uint8Array }

/** A missing mask is empty. */
export function pixelsOf(rle: Rle | null | undefined, size: readonly [number, number]): Pixels {
  if (!rle) return { height: size[0], width: size[1], bits: new Uint8Array(size[0] * size[1]) }
  return { height: rle.size[0], width: rle.size[1], bits: decodeRle(rle) }
}

export function countPixels({ bits }: Pixels): number {
  let count = 0
  for (const bit of bits) count += bit
  return count
}

/** Pixels of the intersection and of the union. */
export function areas(a: Pixels, b: Pixels): { shared: number; union: number } {
  if (a.height !== b.height || a.width !== b.width) throw new Error(`Masks of one frame have one size; ${a.height}×${a.width} and ${b.height}×${b.width} came.`)
  let shared = 0
  let union = 0
  for (let index = 0; index < a.bits.length; index++) {
    const [x = 0, y = 0] = [a.bits[index], b.bits[index]]
    shared += x & y
    union += x | y
  }
  return { shared, union }
}

/** J: intersection over union; two empty masks agree. */
export function maskIou(a: Pixels, b: Pixels): number {
  const { shared, union } = areas(a, b)
  return union ? shared / union : 1
}
