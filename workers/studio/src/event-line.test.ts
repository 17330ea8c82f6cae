import type { Evidence } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { eventLine, evidenceLine } from './event-line.ts'

const base: Evidence = {
  id: 'ev_0123456789',
  version: 1,
  task: 'region',
  token: '<region>',
  query: 'cup',
  score: 0.94,
  stream: 0,
  frame: 4,
  mediaTime: 1400,
  receivedAt: 1,
  model: { bundle: 'n', hash: 'h', head: 'region' },
}

test('[PE2] absence is said in words', () => {
  expect(evidenceLine({ ...base, score: 0.03, regions: [] })).toBe('not in view · 0.03')
  expect(evidenceLine({ ...base, task: 'moment', score: 0.1, spans: [] })).toBe('no such moment · 0.10')
})

test('boxes, outlines and moments each have their line', () => {
  expect(evidenceLine({ ...base, regions: [{ box: [0, 0, 1, 1], score: 0.9 }] })).toBe('one box · 0:01.4 · 0.94')
  expect(evidenceLine({ ...base, task: 'mask', mask: { size: [1, 1], counts: '01' } })).toBe('outline · 0:01.4 · 0.94')
  expect(evidenceLine({ ...base, task: 'moment', spans: [{ start: 200, end: 900, score: 0.9 }] })).toBe('0:00.2–0:00.9 · 0.94')
})

test('an error is said with its code and its words', () => {
  const usage = { promptTokens: 0, answerTokens: 0, heads: 0, deviceMs: 0, totalMs: 3 }
  const error = { code: 'no-frame' as const, message: 'No frame was seen yet.', retryable: true }
  expect(eventLine({ type: 'answer-ended', seq: 1, at: 1, ask: 'a', finish: 'error', text: '', usage, error })).toBe('no-frame: No frame was seen yet.')
})
