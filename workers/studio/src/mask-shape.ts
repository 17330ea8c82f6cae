import { decodeRle, type Box, type Rle } from '@fovea/protocol'
import { maskOutline, type Polygon } from './mask-outline.ts'

/** A mask ready to draw: its borders in parts of the picture, and the box that just holds it. */
export type MaskShape = { polygons: readonly Polygon[]; bounds: Box | undefined }

/** Throws RangeError on a broken RLE. */
export function maskShape(rle: Rle): MaskShape {
  const [height, width] = rle.size
  const polygons = maskOutline(decodeRle(rle), height, width).map((polygon) => polygon.map(([x, y]) => [x / width, y / height] as const))
  const [left, top, right, bottom] = [1, 1, 0, 0]
  const bounds = polygons
    .flat()
    .reduce<Box>(([x0, y0, x1, y1], [x, y]) => [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)], [left, top, right, bottom])
  return { polygons: polygons.map(smooth), bounds: polygons.length > 0 ? bounds : undefined }
}

const REACH = 2
/** Shorter borders are small things: smoothing would eat them. */
const SHORTEST = 24

/** A border without its stairs: each point is the mean of itself and its neighbours, twice as many as a stair has. */
function smooth(polygon: Polygon): Polygon {
  if (polygon.length < SHORTEST) return polygon
  return polygon.map((_, index) => {
    let [x, y] = [0, 0]
    for (let step = -REACH; step <= REACH; step++) {
      const near = polygon[(index + step + polygon.length) % polygon.length]
      if (near) [x, y] = [x + near[0], y + near[1]]
    }
    return [x / (2 * REACH + 1), y / (2 * REACH + 1)] as const
  })
}
