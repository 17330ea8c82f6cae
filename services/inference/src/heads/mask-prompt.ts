import { decodeRle, ProtocolError, type Box, type Rle } from '@fovea/protocol'
import { floats, type FloatTensor } from '../model/tensor.ts'
import { unit } from './head.ts'

/** How sure a pixel of a mask that somebody drew is, as a logit. */
const SURE = 10

/** A drawn mask as logits of h × w: the share of each cell that it covers. */
export function maskLogits(mask: Rle, [h, w]: readonly [number, number]): FloatTensor {
  const [height, width] = mask.size
  const pixels = decoded(mask)
  const data = new Float32Array(h * w)
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [top, bottom] = [Math.floor((y * height) / h), Math.max(Math.floor((y * height) / h) + 1, Math.floor(((y + 1) * height) / h))]
      const [left, right] = [Math.floor((x * width) / w), Math.max(Math.floor((x * width) / w) + 1, Math.floor(((x + 1) * width) / w))]
      let inside = 0
      for (let row = top; row < bottom; row++) for (let column = left; column < right; column++) inside += pixels[row * width + column] ?? 0
      data[y * w + x] = ((2 * inside) / ((bottom - top) * (right - left)) - 1) * SURE
    }
  }
  return floats(data, [1, h, w])
}

/** The box around a drawn mask. */
export function maskBox(mask: Rle): Box {
  const [height, width] = mask.size
  let [left, top, right, bottom] = [width, height, -1, -1]
  decoded(mask).forEach((bit, index) => {
    if (!bit) return
    const [x, y] = [index % width, Math.floor(index / width)]
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  })
  if (right < 0) throw new ProtocolError('invalid-message', 'The mask of the prompt is empty. Draw at least one pixel.')
  return [unit(left / width), unit(top / height), unit((right + 1) / width), unit((bottom + 1) / height)]
}

function decoded(mask: Rle): Uint8Array {
  try {
    return decodeRle(mask)
  } catch (cause) {
    throw new ProtocolError('invalid-message', cause instanceof Error ? cause.message : 'The mask of the prompt cannot be read.', { cause })
  }
}
