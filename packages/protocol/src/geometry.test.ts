import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boxArea, boxIou, type Box } from './geometry.ts'

const unit = fc.double({ min: 0, max: 1, noNaN: true })
const anyBox = fc.tuple(unit, unit, unit, unit)

test('a box and itself overlap fully, two apart not at all, halves by a third', () => {
  const left: Box = [0, 0, 0.5, 1]
  const middle: Box = [0.25, 0, 0.75, 1]
  expect([boxIou(left, left), boxIou(left, [0.5, 0, 1, 1])]).toEqual([1, 0])
  expect(boxIou(left, middle)).toBeCloseTo(1 / 3)
})

test('an inverted box has no area and meets nothing', () => {
  expect(boxArea([0.6, 0, 0.4, 1])).toBe(0)
  expect(boxIou([0.6, 0, 0.4, 1], [0, 0, 1, 1])).toBe(0)
  expect(boxIou([0, 0, 0, 0], [0, 0, 0, 0])).toBe(0)
})

test('overlap is symmetric and between 0 and 1', () => {
  fc.assert(
    fc.property(anyBox, anyBox, (a, b) => {
      expect(boxIou(a, b)).toBe(boxIou(b, a))
      expect(boxIou(a, b)).toBeGreaterThanOrEqual(0)
      expect(boxIou(a, b)).toBeLessThanOrEqual(1)
    }),
  )
})
