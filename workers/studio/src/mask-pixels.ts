import { decodeRle, type Box, type Rle } from '@fovea/protocol'

export type Rgb = readonly [number, number, number]
export type MaskPixels = { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer>; bounds: Box | undefined }

const FILL_ALPHA = 84
const EDGE_ALPHA = 255

/** A mask as RGBA pixels in one colour: a light fill, a crisp edge, and the box that just holds it. Throws RangeError on a broken RLE. */
export function maskPixels(rle: Rle, [red, green, blue]: Rgb): MaskPixels {
  const [height, width] = rle.size
  const mask = decodeRle(rle)
  const data = new Uint8ClampedArray(height * width * 4)
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = y * width + x
      if (!mask[index]) continue
      const inside = x > 0 && y > 0 && x < width - 1 && y < height - 1 && mask[index - 1] && mask[index + 1] && mask[index - width] && mask[index + width]
      data[index * 4] = red
      data[index * 4 + 1] = green
      data[index * 4 + 2] = blue
      data[index * 4 + 3] = inside ? FILL_ALPHA : EDGE_ALPHA
      if (x < left) left = x
      if (x > right) right = x
      if (y < top) top = y
      if (y > bottom) bottom = y
    }
  }
  return { width, height, data, bounds: right < 0 ? undefined : [left / width, top / height, (right + 1) / width, (bottom + 1) / height] }
}

/** `#2dd4bf` → [45, 212, 191]. */
export function rgb(colour: string): Rgb {
  const value = Number.parseInt(colour.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}
