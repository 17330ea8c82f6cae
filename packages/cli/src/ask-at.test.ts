import { expect, test } from 'vitest'
import { askAt } from './ask-at.ts'

const frames = [0, 100, 200, 300].map((mediaTime, index) => ({ frame: index + 1, mediaTime }))

test('[AS7] all of a recording, its end, a moment of it, a part of it', () => {
  expect(askAt('all', frames)).toEqual({ from: 0, to: 300 })
  expect(askAt('now', frames)).toBe('now')
  expect(askAt('0.19', frames)).toEqual({ frame: 3 })
  expect(askAt('0.1-0.25', frames)).toEqual({ from: 100, to: 250 })
  expect(askAt('all', frames.slice(0, 1))).toBe('now')
})

test('what is no time, and a recording of which nothing was seen, are refused', () => {
  expect(() => askAt('soon', frames)).toThrow('--at takes')
  expect(() => askAt('all', [])).toThrow('No frame')
})
