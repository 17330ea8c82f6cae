import { expect, test } from 'vitest'
import { MediaClock } from './clock.ts'

test('media time goes on from the last frame and stands still when no more come', () => {
  let now = 1000
  const clock = new MediaClock(() => now)
  expect(clock.time).toBe(0)
  clock.tell(0, 1000)
  now = 1100
  clock.tell(100, 1100)
  now = 1150
  expect(clock.time).toBe(150)
  now = 60_000
  expect(clock.time).toBe(400)
})

test('a new source starts at zero', () => {
  let now = 0
  const clock = new MediaClock(() => now)
  clock.tell(5000, 0)
  clock.reset()
  now = 100
  expect(clock.time).toBe(0)
})
