import { countPixels } from './pixels.ts'
import type { Pixels } from './pixels.ts'

const TOLERANCE = 0.008

/** F of DAVIS: harmonic mean of the shares of each boundary that the other's, widened by 0.8 % of the diagonal, covers. */
export function boundaryF(a: Pixels, b: Pixels): number {
  const mine = boundary(a)
  const theirs = boundary(b)
  const [countMine, countTheirs] = [countPixels(mine), countPixels(theirs)]
  if (countMine === 0 || countTheirs === 0) return countMine === countTheirs ? 1 : 0
  const radius = Math.ceil(TOLERANCE * Math.hypot(a.height, a.width))
  const precision = covered(mine, widened(theirs, radius)) / countMine
  const recall = covered(theirs, widened(mine, radius)) / countTheirs
  return precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0
}

/** The one-pixel boundary: pixels that differ from their east, south or south-east neighbour. On the last row only the east counts, on the last column only the south. */
export function boundary({ height, width, bits }: Pixels): Pixels {
  const edge = new Uint8Array(bits.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      const here = bits[at] ?? 0
      const east = x + 1 < width && here !== bits[at + 1]
      const south = y + 1 < height && here !== bits[at + width]
      const corner = x + 1 < width && y + 1 < height && here !== bits[at + width + 1]
      edge[at] = east || south || corner ? 1 : 0
    }
  }
  return { height, width, bits: edge }
}

/** Every pixel within `radius` of a set one. */
function widened({ height, width, bits }: Pixels, radius: number): Pixels {
  const wide = new Uint8Array(bits.length)
  // The half-width of the disk, row by row.
  const reach = Array.from({ length: 2 * radius + 1 }, (_, index) => Math.floor(Math.sqrt(radius ** 2 - (index - radius) ** 2)))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!bits[y * width + x]) continue
      for (let dy = -radius; dy <= radius; dy++) {
        const row = y + dy
        if (row < 0 || row >= height) continue
        const half = reach[dy + radius] ?? 0
        wide.fill(1, row * width + Math.max(0, x - half), row * width + Math.min(width - 1, x + half) + 1)
      }
    }
  }
  return { height, width, bits: wide }
}

function covered(edge: Pixels, by: Pixels): number {
  let count = 0
  for (let index = 0; index < edge.bits.length; index++) count += (edge.bits[index] ?? 0) & (by.bits[index] ?? 0)
  return count
}
