import type { TransientMessage } from '../../src/index.ts'
import { ask, box, limits, model, session, startedAt, stream, track, watch } from './scene.ts'

/** One of each that the edge says and does not log. */
export const edgeExamples: TransientMessage[] = [
  {
    type: 'session-ready',
    session,
    epoch: 1,
    seq: 4,
    role: 'owner',
    state: 'live',
    model,
    limits,
    streams: [{ stream: 0, policy: 'latest', sent: 7, window: 2, maxFrameBytes: limits.maxFrameBytes, mediaTime: 1500 }],
    nextStream: 1,
  },
  { type: 'stream-window', stream: 0, window: 2 },
  {
    type: 'frame-seen',
    stream: 0,
    frame: 7,
    mediaTime: 200,
    receivedAt: startedAt + 212,
    timings: { queue: 0.4, decode: 3.1, encode: 11.8, heads: 1.9 },
    perceptions: [
      { watch: watch.watch, task: 'region', score: 0.94, regions: [{ box: [0.41, 0.3, 0.63, 0.72], score: 0.94 }] },
      { track: track.track, task: 'track', score: 0.9, box: [0.41, 0.3, 0.63, 0.72], life: 'confirmed' },
    ],
  },
  { type: 'frame-dropped', stream: 0, frame: 8, reason: 'undecodable', message: 'The header says 640 × 480; the JPEG is 320 × 240.' },
  {
    type: 'frames-settled',
    stream: 0,
    ranges: [
      { from: 9, to: 11, outcome: 'dropped', reason: 'unavailable' },
      { from: 12, to: 12, outcome: 'seen' },
    ],
  },
  { type: 'head-partial', ask: ask.ask, evidence: box },
  { type: 'stats', streams: [{ stream: 0, sent: 100, seen: 96, dropped: 4, pending: 0 }], timings: { p50: 18.4, p95: 31 } },
  {
    type: 'session-reset',
    seq: 40,
    state: {
      state: 'live',
      streams: [stream],
      watches: [watch],
      tracks: [{ ...track, life: 'confirmed' }],
      asks: [{ ...ask, answer: 'The cup is on the desk.', evidence: [box.id], ended: true }],
      turns: [{ turn: 'turn-01', text: 'Is the cup still on the desk?', answer: 'Yes, it is in ', ended: false }],
      workflows: [{ run: 'run-01', name: 'cup-check', ended: true }],
    },
  },
  {
    type: 'error',
    code: 'frame-number',
    message: 'Frame numbers rise by one: 8 was expected, 10 came. 8–9 are settled as unavailable.',
    retryable: false,
    expected: 8,
    got: 10,
  },
]
