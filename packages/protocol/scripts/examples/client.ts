import type { ClientMessage } from '../../src/index.ts'
import { ask, stream, track, watch } from './scene.ts'

/** One of each that a client may say. */
export const clientExamples: ClientMessage[] = [
  { type: 'session-resume', lastSeq: 0, streams: [] },
  { type: 'stream-open', ...stream },
  { type: 'stream-pause', stream: 0, paused: true },
  { type: 'stream-close', stream: 0 },
  { type: 'ask-start', ...ask },
  { type: 'ask-cancel', ask: ask.ask },
  { type: 'watch-start', ...watch },
  { type: 'watch-stop', watch: watch.watch },
  { type: 'track-start', ...track },
  { type: 'track-stop', track: track.track },
  { type: 'turn-start', turn: 'turn-01', text: 'Is the cup still on the desk? Say where.', stream: 0 },
  { type: 'turn-cancel', turn: 'turn-01' },
  {
    type: 'workflow-start',
    run: 'run-01',
    graph: {
      name: 'cup-check',
      version: 1,
      start: 'find',
      steps: [
        { kind: 'locate', id: 'find', query: '{{input.thing}}', next: 'any' },
        { kind: 'branch', id: 'any', on: 'find.count', when: [{ op: '>=', value: 1, next: 'tell' }] },
        { kind: 'event', id: 'tell', name: 'cup-seen', data: { evidence: '{{find.evidence}}' } },
      ],
    },
    input: { thing: 'cup' },
  },
  { type: 'workflow-cancel', run: 'run-01' },
  { type: 'picture-get', request: 'picture-01', stream: 0, frame: 7, evidence: 'ev_01JQ8W5V3C7N2X9K' },
  { type: 'ack', seq: 12, received: 80 },
  { type: 'session-end' },
]
