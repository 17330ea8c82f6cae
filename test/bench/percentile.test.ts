import { expect, test } from 'vitest'
import { median, percentile, summary } from './percentile.ts'

test('a percentile lies between its neighbours', () => {
  expect(percentile([10, 20], 0.5)).toBe(15)
  expect(percentile([3, 1, 2], 0)).toBe(1)
  expect(percentile([3, 1, 2], 1)).toBe(3)
  expect(percentile([1, 2, 3, 4, 5], 0.25)).toBe(2)
})

test('the order of the samples does not matter, and they are left as they were', () => {
  const samples = [5, 1, 4, 2, 3]
  expect(median(samples)).toBe(3)
  expect(samples).toEqual([5, 1, 4, 2, 3])
})

test('no sample is no number', () => {
  expect(percentile([], 0.5)).toBeNaN()
  expect(summary([1, 2, 3])).toEqual({ count: 3, p50: 2, p95: 2.9, p99: 2.98, mean: 2 })
})
