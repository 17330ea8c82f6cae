import { encodeRle } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { maskPixels, rgb } from './mask-pixels.ts'

const rows = (...lines: string[]) => encodeRle(new Uint8Array([...lines.join('')].map(Number)), lines.length, lines[0]?.length ?? 0)
const alphas = (data: Uint8ClampedArray) => [...data].filter((_, index) => index % 4 === 3)

test('a mask has a crisp edge, a light inside and nothing around', () => {
  const { data, bounds } = maskPixels(rows('00000', '01110', '01110', '01110', '00000'), [10, 20, 30])
  expect(alphas(data)).toEqual([0, 0, 0, 0, 0, 0, 255, 255, 255, 0, 0, 255, 84, 255, 0, 0, 255, 255, 255, 0, 0, 0, 0, 0, 0])
  expect(Array.from(data.subarray(24, 28))).toEqual([10, 20, 30, 255])
  expect(bounds).toEqual([0.2, 0.2, 0.8, 0.8])
})

test('the border of the picture is an edge too', () => {
  expect(alphas(maskPixels(rows('11', '11'), [0, 0, 0]).data)).toEqual([255, 255, 255, 255])
})

test('an empty mask has no bounds, a broken one is refused', () => {
  expect(maskPixels(rows('00', '00'), [0, 0, 0]).bounds).toBeUndefined()
  expect(() => maskPixels({ size: [2, 2], counts: '9' }, [0, 0, 0])).toThrow(RangeError)
})

test('a colour of the palette as bytes', () => {
  expect(rgb('#2dd4bf')).toEqual([45, 212, 191])
})
