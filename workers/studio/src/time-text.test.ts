import { expect, test } from 'vitest'
import { clock, score, span } from './time-text.ts'

test('media time reads as minutes, seconds and tenths, without a 60th second', () => {
  expect(clock(0)).toBe('0:00.0')
  expect(clock(83_400)).toBe('1:23.4')
  expect(clock(59_960)).toBe('1:00.0')
  expect(clock(-5)).toBe('0:00.0')
})

test('a length of time takes the unit that fits', () => {
  expect(span(84.4)).toBe('84 ms')
  expect(span(999.7)).toBe('1.0 s')
  expect(span(1240)).toBe('1.2 s')
  expect(span(59_960)).toBe('1:00')
  expect(span(75_000)).toBe('1:15')
})

test('a score has two decimals, also where it is whole', () => {
  expect(score(0.941)).toBe('0.94')
  expect(score(1)).toBe('1.00')
  expect(score(0.001)).toBe('0.00')
})
