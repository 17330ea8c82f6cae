import { expect, test } from 'vitest'
import { along, ticks, timeWindow } from './window.ts'

test('the window fills from the left, then moves with the time', () => {
  expect(timeWindow(3000, 20_000)).toEqual({ from: 0, to: 20_000 })
  expect(timeWindow(50_000, 20_000)).toEqual({ from: 30_000, to: 50_000 })
  expect(timeWindow(50_000, 0)).toEqual({ from: 0, to: 50_000 })
  expect(along(40_000, { from: 30_000, to: 50_000 })).toBe(0.5)
})

test('the ruler marks round times, as many as fit', () => {
  expect(ticks({ from: 0, to: 20_000 }, 400)).toEqual([0, 5000, 10_000, 15_000, 20_000])
  expect(ticks({ from: 30_400, to: 50_400 }, 400)).toEqual([35_000, 40_000, 45_000, 50_000])
  for (const width of [50, 300, 1200]) expect(ticks({ from: 0, to: 300_000 }, width).length).toBeLessThanOrEqual(width / 90 + 1)
})
