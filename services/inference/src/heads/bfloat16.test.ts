import { expect, test } from 'vitest'
import { fromBfloat16, toBfloat16 } from './bfloat16.ts'

test('numbers are rounded to the nearest bfloat16, halfway to the even one', () => {
  const step = 2 ** -7
  const rounded = [...fromBfloat16(toBfloat16(Float32Array.of(1, 1 + step / 2, 1 + (3 * step) / 2, 1 + step / 2 + 1e-6, -2 - step, 0, 2 - 1e-7)))]
  expect(rounded).toEqual([1, 1, 1 + 2 * step, 1 + step, -2, 0, 2])
})

test('what fits in eight bits of fraction comes back as it was', () => {
  const exact = Float32Array.of(0.5, -3.140625, 384, 2 ** -100)
  expect(fromBfloat16(toBfloat16(exact))).toEqual(exact)
})
