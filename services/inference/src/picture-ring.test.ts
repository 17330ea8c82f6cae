import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PictureRing, type RingEntry } from './picture-ring.ts'

const entry = (frame: number, mediaTime: number, extra: Partial<RingEntry> = {}): RingEntry => ({ frame, mediaTime, bytes: 100, keep: false, ...extra })

test('[FR8] live: every frame of the last 2 s, older ones 200 ms apart', () => {
  const ring = new PictureRing('latest')
  for (let frame = 1; frame <= 300; frame++) ring.add(entry(frame, frame * 33))
  const newest = 300 * 33
  const recent = ring.entries.filter((each) => each.mediaTime >= newest - 2000)
  const older = ring.entries.filter((each) => each.mediaTime < newest - 2000)
  expect(recent.length).toBe(Math.floor(2000 / 33) + 1)
  const gaps = older.slice(1).map((each, index) => each.mediaTime - (older[index]?.mediaTime ?? 0))
  expect(Math.min(...gaps)).toBeGreaterThan(100)
  expect(Math.max(...gaps)).toBeLessThan(300)
})

test('[FR8] a file: the last 128 frames', () => {
  const ring = new PictureRing('all')
  for (let frame = 1; frame <= 200; frame++) ring.add(entry(frame, frame * 100))
  expect([ring.entries.length, ring.entries[0]?.frame, ring.newest?.frame]).toEqual([128, 73, 200])
})

test('[FR5] a frame marked keep outlives thinning and caps, until another takes its place', () => {
  const ring = new PictureRing('latest', { frames: 10, bytes: 1e9, recentMs: 2000, thinnedMs: 200 })
  ring.add(entry(1, 0, { keep: true }))
  for (let frame = 2; frame <= 100; frame++) ring.add(entry(frame, frame * 50))
  expect(ring.find(1)).toBeDefined()
  ring.add(entry(101, 6000, { keep: true }))
  for (let frame = 102; frame <= 150; frame++) ring.add(entry(frame, frame * 60))
  expect([ring.find(1), ring.find(101)?.keep]).toEqual([undefined, true])
})

test('bounded: never more frames or bytes than stated, order by media time, what goes is told once', () => {
  const frames = fc.array(fc.record({ time: fc.integer({ min: 0, max: 20_000 }), bytes: fc.integer({ min: 1, max: 500 }), keep: fc.boolean() }), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(frames, fc.constantFrom('latest' as const, 'all' as const), (list, policy) => {
      const limits = { frames: 20, bytes: 3000, recentMs: 1000, thinnedMs: 100 }
      const ring = new PictureRing<RingEntry>(policy, limits)
      const gone: number[] = []
      list.forEach(({ time, bytes, keep }, index) => {
        for (const old of ring.add(entry(index + 1, time, { bytes, keep }))) gone.push(old.frame)
        expect(ring.entries.length).toBeLessThanOrEqual(limits.frames + 1)
        // The newest frame and the one marked keep stay, whatever they weigh.
        expect(ring.bytes).toBeLessThanOrEqual(limits.bytes + 1000)
        expect(ring.bytes).toBe(ring.entries.reduce((sum, each) => sum + each.bytes, 0))
      })
      const times = ring.entries.map((each) => each.mediaTime)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      expect(new Set([...gone, ...ring.entries.map((each) => each.frame)]).size).toBe(gone.length + ring.entries.length)
      expect(gone.length + ring.entries.length).toBe(list.length)
    }),
  )
})
