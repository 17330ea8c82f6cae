import { expect, test } from 'vitest'
import { RisingTime } from './rising-time.ts'

test('media time starts at 0 and follows the source', () => {
  const rising = new RisingTime()
  expect([5000, 5040, 5100].map((time) => rising.of(time))).toEqual([0, 40, 100])
})

test('a video that starts again goes on where it was', () => {
  const rising = new RisingTime()
  expect([0, 900, 0, 40].map((time) => rising.of(time))).toEqual([0, 900, 920, 960])
})

test('a held picture still rises', () => {
  const rising = new RisingTime()
  expect([100, 100, 100].map((time) => rising.of(time))).toEqual([0, 20, 40])
})
