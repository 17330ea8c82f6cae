import { expect, test } from 'vitest'
import { numberFlag } from './number-flag.ts'

test('numbers of the command line are read as they are meant', () => {
  expect(numberFlag({ above: 0 })('0.5')).toBe(0.5)
  expect(numberFlag({ atLeast: 0, atMost: 65_535, whole: true })('8787')).toBe(8787)
})

test.each([
  [{ above: 0 }, '0', 'A number above 0'],
  [{ above: 0 }, '-1', 'A number above 0'],
  [{ above: 0 }, 'abc', 'A number above 0'],
  [{ above: 0 }, '', 'A number above 0'],
  [{ atLeast: 1, whole: true }, '0', 'A whole number of 1 or more'],
  [{ atLeast: 1, whole: true }, '1.5', 'A whole number of 1 or more'],
  [{ atLeast: 0, atMost: 65_535, whole: true }, '99999', 'A whole number from 0 to 65535'],
] as const)('%o refuses "%s"', (range, text, words) => {
  expect(() => numberFlag(range)(text)).toThrow(words)
})
