import { expect, test } from 'vitest'
import { fits, worthTelling } from './devices.ts'

const GB = 1024 ** 3
const here = { name: 'this CPU', bytes: 24 * GB }
const usual = [8, 16, 80].map((size) => ({ name: `${size} GB`, bytes: size * GB, isUsual: true }))
const named = (need: number) => worthTelling([here, ...usual], need).map(({ name }) => name)

test('of the sizes that GPUs usually have, the smallest that is enough is told, or that none is', () => {
  expect(named(GB)).toEqual(['this CPU', '8 GB'])
  expect(named(10 * GB)).toEqual(['this CPU', '16 GB'])
  expect(named(100 * GB)).toEqual(['this CPU', '80 GB'])
})

test('a share that is there is not told as none', () => {
  expect(fits(here, GB / 10)).toBe('fits (less than 1 %)')
  expect(fits(here, 12 * GB)).toBe('fits (50 %)')
  expect(fits(here, 48 * GB)).toBe('does not fit: 48.0 GB of 24.0 GB')
})
