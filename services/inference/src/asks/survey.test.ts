import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeSaliency, mergeSpans, surveyRanges } from './survey.ts'

test('[AS7] a range the model sees at once is one window; a longer one is covered by windows that overlap by half', () => {
  const sampling = { frames: 16, everyMs: 250 }
  expect(surveyRanges({ from: 0, to: 5000 }, sampling)).toEqual([])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 5700, max: 60_000 }), (from, length) => {
      const ranges = surveyRanges({ from, to: from + length }, sampling)
      expect([ranges[0]?.from, ranges.at(-1)?.to]).toEqual([from, expect.closeTo(from + length, 3)])
      for (const [index, range] of ranges.entries()) {
        expect(range.to - range.from).toBeCloseTo(3750, 3)
        const next = ranges[index + 1]
        if (next) expect(range.to - next.from).toBeGreaterThanOrEqual(3750 / 2 - 1e-6)
      }
    }),
  )
})

test('[AS7] what two windows saw of one event is one span; two events stay two', () => {
  expect(
    mergeSpans([
      { start: 1000, end: 3700, score: 0.6 },
      { start: 1900, end: 5000, score: 0.9 },
      { start: 8000, end: 9000, score: 0.7 },
      { start: 8900, end: 9900, score: 0.5 },
    ]),
  ).toEqual([
    { start: 1000, end: 5000, score: 0.9 },
    { start: 8000, end: 9000, score: 0.7 },
    { start: 8900, end: 9900, score: 0.5 },
  ])
})

test('[AS7] the curve of the whole range takes the higher value where windows overlap', () => {
  const first = { from: 0, step: 100, values: [0, 0.2, 0.4] }
  const second = { from: 100, step: 100, values: [0.5, 0.1, 0.9] }
  expect(mergeSaliency([first, second])).toEqual({ from: 0, step: 100, values: [0, 0.5, 0.4, 0.9] })
})

const curve = (from: number, step: number) => ({ from, step, values: Array.from({ length: 16 }, () => 0.12345) })

test('a curve over a long range with a burst in it stays small enough for an event', () => {
  const merged = mergeSaliency([curve(0, 5 / 15), curve(10_000, 250), curve(56_250, 250)])
  expect(merged?.values.length).toBeLessThanOrEqual(1024)
  expect((merged?.from ?? 0) + (merged?.step ?? 0) * ((merged?.values.length ?? 0) - 1)).toBeCloseTo(60_000)
  expect(Math.max(...(merged?.values ?? []))).toBe(0.12345)
})
