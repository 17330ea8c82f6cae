import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchesOf } from './decoder-batches.ts'

const rules = { together: true, mayIdle: () => true }

test('neighbours are one run, one idle slot between them runs along, two do not', () => {
  expect(batchesOf([2, 0, 1], rules)).toEqual([[0, 1, 2]])
  expect(batchesOf([0, 2], rules)).toEqual([[0, 2]])
  expect(batchesOf([0, 3], rules)).toEqual([[0], [3]])
})

test('a slot without room behind its end is not written to for its neighbours', () => {
  expect(batchesOf([0, 2], { together: true, mayIdle: (slot) => slot !== 1 })).toEqual([[0], [2]])
})

test('every row runs once, whatever the rules', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(20)), fc.boolean(), fc.uniqueArray(fc.nat(20)), (slots, together, full) => {
      const batches = batchesOf(slots, { together, mayIdle: (slot) => !full.includes(slot) })
      expect(batches.flat()).toEqual(slots.toSorted((a, b) => a - b))
      if (!together) expect(batches.every((batch) => batch.length === 1)).toBe(true)
    }),
  )
})
