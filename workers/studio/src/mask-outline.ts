export type Polygon = readonly (readonly [number, number])[]

/**
 * The border of a mask as closed polygons in pixels, through the middles of its edges: what is stepped in the mask is smooth when
 * drawn large. Holes are polygons too, so an even-odd fill leaves them out. Outside the picture nothing is set.
 */
export function maskOutline(mask: Uint8Array, height: number, width: number): Polygon[] {
  const set = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1
  // Every pixel edge between set and unset, directed so that the set pixel lies to its right; by the corner where it starts.
  const edges = new Map<number, number[]>()
  const corner = (x: number, y: number) => y * (width + 1) + x
  const add = (from: number, to: number) => {
    const known = edges.get(from)
    if (known) known.push(to)
    else edges.set(from, [to])
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] !== 1) continue
      if (!set(x, y - 1)) add(corner(x, y), corner(x + 1, y))
      if (!set(x + 1, y)) add(corner(x + 1, y), corner(x + 1, y + 1))
      if (!set(x, y + 1)) add(corner(x + 1, y + 1), corner(x, y + 1))
      if (!set(x - 1, y)) add(corner(x, y + 1), corner(x, y))
    }
  }
  const polygons: Polygon[] = []
  for (const [start] of edges) {
    while (edges.has(start)) {
      const points: (readonly [number, number])[] = []
      let at = start
      do {
        const to = takeFrom(edges, at)
        if (to === undefined) break
        points.push([(xOf(at, width) + xOf(to, width)) / 2, (yOf(at, width) + yOf(to, width)) / 2])
        at = to
      } while (at !== start)
      if (points.length >= 3) polygons.push(points)
    }
  }
  return polygons
}

function takeFrom(edges: Map<number, number[]>, corner: number): number | undefined {
  const open = edges.get(corner)
  const to = open?.pop()
  if (open?.length === 0) edges.delete(corner)
  return to
}

function xOf(corner: number, width: number): number {
  return corner % (width + 1)
}

function yOf(corner: number, width: number): number {
  return Math.floor(corner / (width + 1))
}
