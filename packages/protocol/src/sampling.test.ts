import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { isRange, sampleFrames } from './sampling.ts'

const cases = z
  .array(
    z.object({
      name: z.string(),
      times: z.array(z.number()),
      at: z.union([z.strictObject({ end: z.number() }), z.strictObject({ from: z.number(), to: z.number() })]),
      frames: z.int(),
      everyMs: z.number(),
      indices: z.array(z.int()),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('../../../schemas/golden/sampling.json', import.meta.url), 'utf8')))

test.each(cases.map((entry) => [entry.name, entry] as const))('[AS7] golden case: %s', (_, { times, at, frames, everyMs, indices }) => {
  expect(sampleFrames(times, at, { frames, everyMs })).toEqual(indices)
})

const kept = fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 30 }).map((times) => times.toSorted((a, b) => a - b))
const where = fc.oneof(
  fc.record({ end: fc.integer({ min: 0, max: 12_000 }) }),
  fc.tuple(fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 0, max: 12_000 })).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
)

test('[AS7] always T frames, in order, all kept ones', () => {
  fc.assert(
    fc.property(kept, where, fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 2000 }), (times, at, frames, everyMs) => {
      const indices = sampleFrames(times, at, { frames, everyMs })
      expect(indices).toHaveLength(frames)
      expect(indices).toEqual(indices.toSorted((a, b) => a - b))
      expect(indices.every((index) => index >= 0 && index < times.length)).toBe(true)
    }),
  )
})

test('[AS7] a {frame} or `now` ask never sees a frame after its end, where an earlier one is kept', () => {
  fc.assert(
    fc.property(kept, fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 1, max: 16 }), (times, end, frames) => {
      const last = times[sampleFrames(times, { end }, { frames, everyMs: 250 }).at(-1) ?? 0] ?? Infinity
      if ((times[0] ?? Infinity) <= end) expect(last).toBeLessThanOrEqual(end)
    }),
  )
})

test('[AS7] without a kept frame there is nothing to sample', () => {
  expect(() => sampleFrames([], { end: 0 }, { frames: 4, everyMs: 250 })).toThrow(RangeError)
  expect([isRange({ from: 0, to: 1 }), isRange('now'), isRange({ frame: 1 })]).toEqual([true, false, false])
})
