import { expect, test } from 'vitest'
import { Rate } from './rate.ts'

test('a steady beat has its rate, silence has none', () => {
  let now = 0
  const rate = new Rate(() => now)
  for (let step = 0; step < 40; step++) {
    now = step * 50
    rate.count()
  }
  expect(rate.perSecond).toBeCloseTo(20)
  now += 1600
  expect(rate.perSecond).toBe(0)
})

test('one event is no rate yet', () => {
  const rate = new Rate(() => 0)
  rate.count()
  expect(rate.perSecond).toBe(0)
})
