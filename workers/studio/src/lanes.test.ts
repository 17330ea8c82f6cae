import type { SessionEvent, UnnumberedEvent } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { Lanes } from './lanes.ts'

const take = (lanes: Lanes, ...events: UnnumberedEvent[]) => events.forEach((event, index) => lanes.take({ ...event, seq: index + 1, at: 1 } as SessionEvent))
const seen = (lanes: Lanes, mediaTime: number, there: boolean) =>
  lanes.see({ mediaTime, perceptions: [{ watch: 'w', task: 'region', score: there ? 0.9 : 0.1, regions: there ? [{ box: [0, 0, 1, 1], score: 0.9 }] : [] }] })

test('a watch is a row that shows when the thing was there', () => {
  const lanes = new Lanes()
  take(lanes, { type: 'watch-started', watch: 'w', stream: 0, query: 'red cup', task: 'region', standing: true })
  for (const [time, there] of [
    [0, true],
    [100, true],
    [200, true],
    [300, false],
    [400, true],
  ] as const)
    seen(lanes, time, there)
  expect(lanes.get('w')).toMatchObject({ title: 'red cup', state: 'standing', score: 0.9 })
  expect(lanes.get('w')?.stretches).toMatchObject([
    { from: 0, to: 200, open: false },
    { from: 400, to: 400, open: true },
  ])
})

test('a hole between verdicts is a hole in the row', () => {
  const lanes = new Lanes()
  take(lanes, { type: 'watch-started', watch: 'w', stream: 0, query: 'red cup', task: 'region', standing: true })
  seen(lanes, 0, true)
  seen(lanes, 5000, true)
  expect(lanes.get('w')?.stretches).toHaveLength(2)
})

test('[TR2] [TR3] a track goes through its life, and its gap is shown', () => {
  const lanes = new Lanes()
  const step = { track: 't', stream: 0, frame: 1, mediaTime: 0, score: 0.8 }
  take(
    lanes,
    { type: 'track-started', track: 't', stream: 0, prompt: { points: [[0.5, 0.5, 1]], frame: 1 } },
    { type: 'track-confirmed', ...step },
    { type: 'track-lost', ...step },
    { type: 'track-gap', track: 't', from: 100, to: 900 },
  )
  expect(lanes.get('t')).toMatchObject({ title: 'Picked point', state: 'lost', stretches: [{ kind: 'gap', from: 100, to: 900 }] })
  take(lanes, { type: 'track-found', ...step }, { type: 'track-ended', track: 't', because: 'stopped by the client' })
  expect(lanes.get('t')).toMatchObject({ state: 'ended', because: 'stopped by the client' })
})

test('moments of an answer become a row with their spans and saliency', () => {
  const lanes = new Lanes()
  take(lanes, {
    type: 'head-result',
    ask: 'a',
    evidence: {
      id: 'ev_0123456789',
      version: 1,
      task: 'moment',
      token: '<moment>',
      query: 'a hand waves',
      score: 0.9,
      stream: 0,
      frame: 9,
      mediaTime: 900,
      receivedAt: 1,
      spans: [{ start: 100, end: 400, score: 0.9 }],
      saliency: { from: 0, step: 100, values: [0, 1] },
      model: { bundle: 'n', hash: 'h', head: 'moment' },
    },
  })
  expect(lanes.all).toMatchObject([{ kind: 'moment', title: 'a hand waves', stretches: [{ from: 100, to: 400, kind: 'moment' }], saliency: { step: 100 } }])
})

test('[EV1] a replay changes no row', () => {
  const lanes = new Lanes()
  take(lanes, { type: 'watch-started', watch: 'w', stream: 0, query: 'red cup', task: 'region', standing: true })
  seen(lanes, 0, true)
  take(lanes, { type: 'watch-started', watch: 'w', stream: 0, query: 'red cup', task: 'region', standing: true })
  expect(lanes.all).toHaveLength(1)
  expect(lanes.get('w')?.stretches).toHaveLength(1)
})

test('a watch that went with its backend waits, and its row goes on under another id', () => {
  const lanes = new Lanes()
  const error = { code: 'unavailable' as const, message: 'The backend was lost.', retryable: true }
  take(lanes, { type: 'watch-started', watch: 'w', stream: 0, query: 'red cup', task: 'region', standing: true })
  seen(lanes, 0, true)
  take(lanes, { type: 'watch-stopped', watch: 'w', because: 'lost', error })
  expect(lanes.get('w')).toMatchObject({ state: 'waiting', because: 'waits for the model' })
  lanes.rename('w', 'x')
  take(lanes, { type: 'watch-started', watch: 'x', stream: 0, query: 'red cup', task: 'region', standing: true })
  expect(lanes.all).toMatchObject([{ id: 'x', state: 'standing', stretches: [{ from: 0, to: 0, open: false }] }])
})
