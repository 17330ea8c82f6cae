import { expect, test } from 'vitest'
import { fits, worthTelling } from './devices.ts'

const GB = 1024 ** 3
const here = { name: 'this CPU', bytes: 24 * GB }
const usual = [8, 16, 80].map((size) => ({ name: `${size} GB`, bytes: size * GB, isGpu: true, isUsual: true }))
const named = (gpu: number) => worthTelling([here, ...usual], { cpu: 3 * gpu, gpu }).map(({ name }) => name)

test('of the sizes that GPUs usually have, the smallest that is enough is told, or that none is', () => {
  expect(named(GB)).toEqual(['this CPU', '8 GB'])
  expect(named(10 * GB)).toEqual(['this CPU', '16 GB'])
  expect(named(100 * GB)).toEqual(['this CPU', '80 GB'])
})

test('a share that is there is not told as none', () => {
  expect(fits(here, { cpu: GB / 10, gpu: 0 })).toBe('fits (less than 1 %)')
  expect(fits(here, { cpu: 12 * GB, gpu: 0 })).toBe('fits (50 %)')
  expect(fits(here, { cpu: 48 * GB, gpu: 0 })).toBe('does not fit: 48.0 GB of 24.0 GB')
})

test('a GPU is held against what a bundle takes there, which may be less than on a CPU', () => {
  expect(usual.map((device) => fits(device, { cpu: 42 * GB, gpu: 14 * GB }))).toEqual(['does not fit: 14.0 GB of 8.0 GB', 'fits (88 %)', 'fits (18 %)'])
})
