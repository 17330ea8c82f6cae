import type { SessionEvent, UnnumberedEvent } from '../../src/index.ts'
import { absent, ask, box, mask, moment, session, startedAt, stream, track, usage, watch } from './scene.ts'

const step = { track: track.track, stream: 0, frame: 7, mediaTime: 200, score: 0.9, box: box.regions?.[0]?.box }

const unnumbered: UnnumberedEvent[] = [
  { type: 'session-started', session },
  { type: 'session-state', state: 'attaching', epoch: 1, because: 'the first stream opened' },
  { type: 'stream-opened', ...stream },
  { type: 'ask-accepted', ask: ask.ask, text: ask.text, stream: ask.stream, look: ask.at, deadlineMs: ask.deadlineMs },
  { type: 'answer-delta', ask: ask.ask, text: 'The cup is ' },
  { type: 'head-started', ask: ask.ask, evidence: box.id, task: 'region', token: '<region>', query: 'the cup' },
  { type: 'head-result', ask: ask.ask, evidence: box },
  { type: 'head-result', ask: ask.ask, evidence: absent },
  { type: 'head-result', ask: ask.ask, evidence: mask },
  { type: 'head-result', ask: ask.ask, evidence: moment },
  { type: 'answer-ended', ask: ask.ask, finish: 'stop', text: 'The cup is on the desk.', usage },
  {
    type: 'answer-ended',
    ask: 'ask-02',
    finish: 'error',
    text: '',
    usage: { promptTokens: 0, answerTokens: 0, heads: 0, deviceMs: 0, totalMs: 4 },
    error: { code: 'no-frame', message: 'Stream 0 has no seen frame yet. Send one first.', retryable: true },
  },
  { type: 'watch-started', ...watch, standing: true },
  { type: 'watch-stopped', watch: watch.watch, because: 'stopped by the client' },
  { type: 'track-started', ...track },
  { type: 'track-confirmed', ...step },
  { type: 'track-lost', ...step, score: 0.1, box: undefined },
  { type: 'track-found', ...step },
  { type: 'track-gap', track: track.track, from: 4000, to: 6500 },
  { type: 'track-ended', track: track.track, because: 'stopped by the client' },
  { type: 'turn-started', turn: 'turn-01', text: 'Is the cup still on the desk?' },
  { type: 'tool-called', turn: 'turn-01', call: 'call-01', tool: 'locate', input: { query: 'the cup' } },
  { type: 'tool-returned', turn: 'turn-01', call: 'call-01', tool: 'locate', content: `the cup: 1 box (${box.id}), as of 0.2 s ago`, evidence: [box.id] },
  { type: 'turn-delta', turn: 'turn-01', from: 0, text: 'Yes, it is in ' },
  { type: 'turn-delta', turn: 'turn-01', from: 14, text: 'the middle of the desk.' },
  { type: 'turn-ended', turn: 'turn-01', finish: 'stop', text: 'Yes, it is in the middle of the desk.', evidence: [box.id] },
  { type: 'workflow-started', run: 'run-01', name: 'cup-check' },
  { type: 'workflow-step-ended', run: 'run-01', step: 'find', kind: 'locate', ms: 42, output: { count: 1, evidence: box.id }, next: 'any' },
  { type: 'workflow-event', run: 'run-01', step: 'tell', name: 'cup-seen', data: { evidence: box.id } },
  { type: 'workflow-ended', run: 'run-01', finish: 'stop', output: { find: { count: 1 } } },
  { type: 'stream-closed', stream: 0, because: 'closed by the client' },
  { type: 'session-ended', because: 'ended by the client' },
]

/** One of each durable event, numbered as a log would. */
export const eventExamples: SessionEvent[] = unnumbered.map((event, index) => ({ seq: index + 1, at: startedAt + index, ...event }))
