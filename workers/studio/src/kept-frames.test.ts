import { expect, test } from 'vitest'
import { KeptFrames } from './kept-frames.ts'

const frame = (mediaTime: number) => ({ mediaTime, width: 4, height: 4, picture: new Blob() })

test('[FR8] the last two seconds are whole, what is older is thinned to 200 ms', () => {
  const kept = new KeptFrames()
  for (let time = 0; time <= 10_000; time += 50) kept.keep(frame(time))
  expect(kept.size).toBe(41 + 40)
  expect(kept.at(9950)?.mediaTime).toBe(9950)
  expect(Math.abs((kept.at(3060)?.mediaTime ?? 0) - 3060)).toBeLessThanOrEqual(100)
})

test('the frame that evidence rests on is never thinned out', () => {
  const kept = new KeptFrames()
  for (let time = 0; time <= 1000; time += 50) kept.keep(frame(time))
  kept.hold(550)
  for (let time = 1050; time <= 10_000; time += 50) kept.keep(frame(time))
  expect(kept.at(550)?.mediaTime).toBe(550)
  expect(kept.at(650)?.mediaTime).not.toBe(650)
})

test('memory is bounded, and what is gone is said to be gone', () => {
  const kept = new KeptFrames(10)
  for (let time = 0; time < 60_000; time += 200) kept.keep(frame(time))
  expect(kept.size).toBe(10)
  expect(kept.at(100)).toBeUndefined()
})
