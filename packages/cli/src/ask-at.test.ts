import { expect, test } from 'vitest'
import { askAt, readWhen } from './ask-at.ts'

const frames = [0, 100, 200, 300].map((mediaTime, index) => ({ frame: index + 1, mediaTime }))
const at = (text: string, seen = frames) => askAt(readWhen(text), seen)

test('[AS7] all of a recording, its end, a moment of it, a part of it', () => {
  expect(at('all')).toEqual({ from: 0, to: 300 })
  expect(at('now')).toBe('now')
  expect(at('0.19')).toEqual({ frame: 3 })
  expect(at('.19')).toEqual({ frame: 3 })
  expect(at('0.1-0.25')).toEqual({ from: 100, to: 250 })
  expect(at('0.1 – 0.4')).toEqual({ from: 100, to: 400 })
  expect(at('all', frames.slice(0, 1))).toBe('now')
  expect(at('0', frames.slice(0, 1))).toBe('now')
})

test('what is no time is refused before there is a recording', () => {
  for (const text of ['soon', '', '-1', '1-', '1.2.3']) expect(() => readWhen(text), text).toThrow('such as 2.5')
  for (const text of ['3-1', '1-1']) expect(() => readWhen(text), text).toThrow('ends after it begins')
})

test('a time beyond the recording is refused with its length, and so is a recording of which nothing was seen', () => {
  for (const text of ['100', '0.41', '0.1-2', '5-6']) expect(() => at(text), text).toThrow('beyond this recording, which is 0.40 s long')
  expect(() => at('3', frames.slice(0, 1))).toThrow('one picture')
  expect(() => at('all', [])).toThrow('No frame')
})
