import { expect, test } from 'vitest'
import { fromBfloat16, toBfloat16 } from './bfloat16.ts'

test('numbers are rounded to the nearest bfloat16, halfway to the even one', () => {
  const step = 2 ** -7
  const halves = toBfloat16(Float32Array.of(1, 1 + step / 2, 1 + (3 * step) / 2, 1 + step / 2 + 1e-6, -2 - step, 0, 2 - 1e-7))
  expect([...fromBfloat16(halves, new Float32Array(7))]).toEqual([1, 1, 1 + 2 * step, 1 + step, -2, 0, 2])
})

test('what fits in eight bits of fraction comes back as it was', () => {
  const exact = Float32Array.of(0.5, -3.140625, 384, 2 ** -100)
  expect(fromBfloat16(toBfloat16(exact), new Float32Array(4))).toEqual(exact)
  expect(fromBfloat16(toBfloat16(exact.subarray(2)), new Float32Array(4).fill(7).subarray(1), 1)).toEqual(Float32Array.of(7, 384, 2 ** -100))
})
