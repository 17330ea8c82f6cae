import { expect, test } from 'vitest'
import { glide, Motion } from './motion.ts'

test('between two verdicts a box is between their boxes', () => {
  const motion = new Motion(1000, [0, 0, 0.2, 0.2])
  motion.tell(1100, [0.2, 0, 0.4, 0.2])
  expect(motion.at(1050)[0]).toBeCloseTo(0.1)
  expect(motion.at(1100)).toEqual([0.2, 0, 0.4, 0.2])
  expect(motion.at(900)).toEqual([0, 0, 0.2, 0.2])
})

test('after the last verdict it goes on its way, for one interval and 250 ms at most', () => {
  const motion = new Motion(0, [0, 0, 0.1, 0.1])
  motion.tell(100, [0.1, 0, 0.2, 0.1])
  expect(motion.at(150)[0]).toBeCloseTo(0.15)
  expect(motion.at(9000)[0]).toBeCloseTo(0.2)
  const slow = new Motion(0, [0, 0, 0.1, 0.1])
  slow.tell(1000, [0.4, 0, 0.5, 0.1])
  expect(slow.at(9000)[0]).toBeCloseTo(0.5)
})

test('one verdict alone stays where it is, and no box leaves the picture', () => {
  expect(new Motion(0, [0.5, 0.5, 0.6, 0.6]).at(5000)).toEqual([0.5, 0.5, 0.6, 0.6])
  const motion = new Motion(0, [0.5, 0, 0.8, 0.2])
  motion.tell(100, [0.7, 0, 1, 0.2])
  expect(motion.at(200)[2]).toBe(1)
})

test('a glide reaches its target and never passes it', () => {
  const halfway = glide([0, 0, 0, 0], [1, 1, 1, 1], 30)
  expect(halfway[0]).toBeGreaterThan(0.4)
  expect(halfway[0]).toBeLessThan(0.6)
  expect(glide([0, 0, 0, 0], [1, 1, 1, 1], 1000)[0]).toBeCloseTo(1)
})
