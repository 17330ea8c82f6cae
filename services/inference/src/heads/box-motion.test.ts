import type { Box } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { BoxMotion, overlap } from './box-motion.ts'

const at = (x: number): Box => [x, 0.4, x + 0.2, 0.6]

test('a thing that moves evenly is expected where it goes', () => {
  const motion = new BoxMotion(3)
  for (let frame = 0; frame < 10; frame++) motion.step(at(0.02 * frame))
  const expected = motion.expected()
  expect(expected && overlap(expected, at(0.2))).toBeGreaterThan(0.95)
})

test('nothing is expected before it was surely seen for some frames in a row, nor after it was lost', () => {
  const motion = new BoxMotion(3)
  motion.step(at(0))
  motion.step(at(0.02))
  expect(motion.expected()).toBeUndefined()
  motion.step(at(0.04))
  expect(motion.expected()).toBeDefined()
  motion.step(undefined)
  expect(motion.expected()).toBeUndefined()
})

test('it goes on moving while it is hidden', () => {
  const motion = new BoxMotion(1)
  for (let frame = 0; frame < 10; frame++) motion.step(at(0.02 * frame))
  for (let frame = 0; frame < 5; frame++) motion.step(undefined)
  motion.step(at(0.3))
  const expected = motion.expected()
  expect(expected && overlap(expected, at(0.32))).toBeGreaterThan(0.85)
})
