import type { FromBackend, FromPoolMember, ToBackend, ToPoolMember } from '../../src/index.ts'
import { ask, box, limits, model, session, startedAt, stream, track, usage, watch } from './scene.ts'

const step = { track: track.track, stream: 0, frame: 7, mediaTime: 200, score: 0.9, box: box.regions?.[0]?.box }

/** Edge → backend, beside what it passes on from the client unchanged. */
export const toBackendExamples: ToBackend[] = [
  {
    type: 'session-open',
    session,
    epoch: 1,
    limits,
    streams: [stream],
    watches: [watch],
    tracks: [track],
    transcript: [{ text: 'Where is the cup?', answer: 'The cup is on the desk.' }],
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  },
  { type: 'session-close', because: 'the session ended' },
]

/** Backend → edge. */
export const fromBackendExamples: FromBackend[] = [
  { type: 'session-attached', epoch: 1, window: 2, model },
  { type: 'load', sessions: 3, deviceMs: 412, oldestMs: 18, modelThread: 'ready' },
  { type: 'head-partial', ask: ask.ask, evidence: box },
  { type: 'error', code: 'unsupported', message: 'This bundle has no moment head; it serves region and mask.', retryable: false, of: ask.ask },
  { type: 'answer-delta', ask: ask.ask, text: 'The cup is ' },
  { type: 'head-started', ask: ask.ask, evidence: box.id, task: 'region', token: '<region>', query: 'the cup' },
  { type: 'head-result', ask: ask.ask, evidence: box },
  { type: 'answer-ended', ask: ask.ask, finish: 'stop', text: 'The cup is on the desk.', usage },
  { type: 'watch-started', ...watch, standing: true },
  { type: 'watch-stopped', watch: watch.watch, because: 'stopped' },
  { type: 'track-confirmed', ...step },
  { type: 'track-lost', ...step, score: 0.1, box: undefined },
  { type: 'track-found', ...step },
  { type: 'track-gap', track: track.track, from: 4000, to: 6500 },
  { type: 'track-ended', track: track.track, because: 'stopped' },
]

/** Pool → backend on the control socket. */
export const toPoolMemberExamples: ToPoolMember[] = [
  {
    type: 'assign',
    session,
    epoch: 1,
    url: `wss://edge.example/internal/sessions/${session}/attach`,
    ticket: 'eyJhbGciOiJIUzI1NiJ9.e30.x',
    deadline: startedAt + 3000,
  },
]

/** Backend → pool. */
export const fromPoolMemberExamples: FromPoolMember[] = [
  { type: 'hello', backend: 'gpu-1', models: [model], capacity: 16 },
  { type: 'load', sessions: 3, deviceMs: 412, oldestMs: 18, modelThread: 'ready' },
  { type: 'refused', session, epoch: 1, because: 'at capacity: 16 of 16 sessions' },
]
