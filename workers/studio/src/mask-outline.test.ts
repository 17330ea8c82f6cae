import { expect, test } from 'vitest'
import { maskOutline } from './mask-outline.ts'

const outline = (...lines: string[]) => maskOutline(new Uint8Array([...lines.join('')].map(Number)), lines.length, lines[0]?.length ?? 0)
/** Twice the area, positive where the border goes clockwise on screen. */
const area = (polygon: readonly (readonly [number, number])[]) =>
  polygon.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = polygon[(index + 1) % polygon.length] ?? [x, y]
    return sum + x * nextY - nextX * y
  }, 0)

test('one pixel is a diamond through the middles of its edges', () => {
  expect(outline('000', '010', '000')).toEqual([
    [
      [1.5, 1],
      [2, 1.5],
      [1.5, 2],
      [1, 1.5],
    ],
  ])
})

test('a block reaches its own border, also at the edge of the picture', () => {
  const [polygon = []] = outline('111', '111')
  expect(polygon).toHaveLength(10)
  expect([Math.min(...polygon.map(([x]) => x)), Math.max(...polygon.map(([x]) => x))]).toEqual([0, 3])
  expect([Math.min(...polygon.map(([, y]) => y)), Math.max(...polygon.map(([, y]) => y))]).toEqual([0, 2])
})

test('a hole is a border of its own, the other way round', () => {
  const polygons = outline('111', '101', '111')
  expect(polygons).toHaveLength(2)
  expect(polygons.map((polygon) => Math.sign(area(polygon))).toSorted()).toEqual([-1, 1])
})

test('parts that do not touch are borders of their own, and nothing is nothing', () => {
  expect(outline('101', '101')).toHaveLength(2)
  expect(outline('000')).toEqual([])
})

test('every edge of a random mask is in exactly one border', () => {
  let seed = 7
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff
  const [height, width] = [24, 31]
  const mask = Uint8Array.from({ length: height * width }, () => (random() < 0.5 ? 1 : 0))
  const at = (x: number, y: number) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : (mask[y * width + x] ?? 0))
  let edges = 0
  for (let y = 0; y <= height; y++) for (let x = 0; x <= width; x++) edges += Number(at(x, y) !== at(x - 1, y)) + Number(at(x, y) !== at(x, y - 1))
  expect(maskOutline(mask, height, width).reduce((sum, polygon) => sum + polygon.length, 0)).toBe(edges)
})
