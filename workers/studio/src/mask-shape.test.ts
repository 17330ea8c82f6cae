import { encodeRle } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { maskShape } from './mask-shape.ts'

const rows = (...lines: string[]) => encodeRle(new Uint8Array([...lines.join('')].map(Number)), lines.length, lines[0]?.length ?? 0)

test('a mask of the wire becomes borders in parts of the picture, and the box that holds it', () => {
  const { polygons, bounds } = maskShape(rows('00000', '01110', '01110', '01110', '00000'))
  expect(polygons).toHaveLength(1)
  expect(bounds?.map((side) => Number(side.toFixed(6)))).toEqual([0.2, 0.2, 0.8, 0.8])
})

test('stairs become a slope: the border of a disc stays near its circle', () => {
  const [side, radius] = [64, 24]
  const mask = Uint8Array.from({ length: side * side }, (_, index) =>
    Math.hypot((index % side) + 0.5 - side / 2, Math.floor(index / side) + 0.5 - side / 2) <= radius ? 1 : 0,
  )
  const [border = []] = maskShape(encodeRle(mask, side, side)).polygons
  const off = border.map(([x, y]) => Math.abs(Math.hypot(x * side - side / 2, y * side - side / 2) - radius))
  expect(Math.max(...off)).toBeLessThan(0.75)
})

test('an empty mask has neither, a broken one is refused', () => {
  expect(maskShape(rows('00', '00'))).toEqual({ polygons: [], bounds: undefined })
  expect(() => maskShape({ size: [2, 2], counts: '9' })).toThrow(RangeError)
})
