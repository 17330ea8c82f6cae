import { encodeRle } from '@fovea/protocol'
import type { Evidence } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { describeEvidence } from './describe-evidence.ts'

const base: Evidence = {
  id: 'ev_0000000001',
  version: 1,
  task: 'region',
  token: '<region>',
  query: 'the dog',
  score: 0.9,
  stream: 1,
  frame: 8,
  mediaTime: 1500,
  receivedAt: 0,
  model: { bundle: 'toy', hash: 'x', head: 'region' },
}

test('[PE2] a box, and none', () => {
  expect(describeEvidence({ ...base, regions: [{ box: [0, 0.25, 0.5, 1], score: 0.8 }] })).toBe(
    'region "the dog" 0.90: box 0.000 0.250 0.500 1.000 (0.80), frame 8 at 1.50 s',
  )
  expect(describeEvidence({ ...base, score: 0.1, regions: [] })).toBe('region "the dog" 0.10: not in view, frame 8 at 1.50 s')
})

test('a mask by its area, and an empty one', () => {
  const mask = encodeRle(Uint8Array.from([1, 1, 0, 0]), 2, 2)
  expect(describeEvidence({ ...base, task: 'mask', mask, box: [0, 0, 1, 0.5] })).toBe(
    'mask "the dog" 0.90: 2 of 4 pixels (50.0 %), box 0.000 0.000 1.000 0.500, frame 8 at 1.50 s',
  )
  expect(describeEvidence({ ...base, task: 'mask', mask: encodeRle(new Uint8Array(4), 2, 2) })).toContain('not in view')
})

test('moments in seconds, and none', () => {
  expect(describeEvidence({ ...base, task: 'moment', spans: [{ start: 500, end: 2250, score: 0.7 }] })).toBe('moment "the dog" 0.90: 0.50 s – 2.25 s (0.70)')
  expect(describeEvidence({ ...base, task: 'moment', spans: [] })).toContain('no such moment')
})
