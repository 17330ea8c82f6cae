import { expect, test } from 'vitest'
import { encodeRle } from '../mask.ts'
import { fromTpo, toTpo } from './tpo.ts'

test('[PE3] masks are rows of booleans, windows are seconds, best first', () => {
  const evidence = {
    regions: [{ box: [0.1, 0.2, 0.3, 0.4] as [number, number, number, number], score: 0.8 }],
    mask: encodeRle(Uint8Array.of(0, 1, 1, 0, 0, 1), 2, 3),
    spans: [
      { start: 500, end: 1500, score: 0.4 },
      { start: 2000, end: 4250, score: 0.9 },
    ],
  }
  const tpo = toTpo(evidence)
  expect(tpo).toEqual({
    boxes: [[0.1, 0.2, 0.3, 0.4]],
    mask: [
      [false, true, true],
      [false, false, true],
    ],
    windows: [
      [2, 4.25, 0.9],
      [0.5, 1.5, 0.4],
    ],
  })
  expect(fromTpo(tpo)).toEqual({
    regions: [{ box: [0.1, 0.2, 0.3, 0.4], score: 1 }],
    mask: evidence.mask,
    spans: [
      { start: 2000, end: 4250, score: 0.9 },
      { start: 500, end: 1500, score: 0.4 },
    ],
  })
})

test('[PE2] TPO’s unbounded boxes are clamped, and an inverted or broken one is no box', () => {
  expect(
    fromTpo({
      boxes: [
        [-0.2, 0.1, 1.3, 0.9],
        [0.6, 0.1, 0.4, 0.9],
        [0.1, 0.2, 0.3],
      ],
    }).regions,
  ).toEqual([{ box: [0, 0.1, 1, 0.9], score: 1 }])
  expect(fromTpo({ boxes: [] }).regions).toEqual([])
})
