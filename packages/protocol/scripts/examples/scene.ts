import type { AskBody, Evidence, Limits, ModelInfo, StreamBody, TrackBody, Usage, WatchBody } from '../../src/index.ts'
import { DEFAULT_LIMITS, encodeRle } from '../../src/index.ts'

/** One scene that all examples tell: a camera on a desk, a cup that somebody lifts. */
export const session = 's_01jq8w5v3c7n2x9k4m6p8r0t2v'
export const startedAt = 1_790_000_000_000
export const limits: Limits = DEFAULT_LIMITS
export const model: ModelInfo = { name: 'nano', hash: '9f2c41d07be6a835', tasks: ['region', 'mask', 'track', 'moment'], imageSize: [224, 224] }
export const stream: StreamBody = { stream: 0, name: 'desk camera', policy: 'latest', codec: 'jpeg', maxFps: 30 }
export const ask: AskBody = { ask: 'ask-01', text: 'Where is the cup?', stream: 0, at: 'now', deadlineMs: 20_000 }
export const watch: WatchBody = { watch: 'watch-01', stream: 0, query: 'a cup', task: 'region', minScore: 0.5 }
export const track: TrackBody = { track: 'track-01', stream: 0, prompt: { query: 'the red cup' } }
export const usage: Usage = { promptTokens: 208, answerTokens: 9, heads: 1, deviceMs: 61.5, firstWordMs: 38.2, totalMs: 84.1 }

const seen = { version: 1, stream: 0, frame: 7, mediaTime: 200, receivedAt: startedAt + 212 } as const
const by = (head: string) => ({ bundle: 'nano', hash: '9f2c41d07be6a835', head })

export const box: Evidence = {
  id: 'ev_01JQ8W5V3C7N2X9K',
  ...seen,
  task: 'region',
  token: '<region>',
  query: 'the cup',
  score: 0.94,
  regions: [{ box: [0.41, 0.3, 0.63, 0.72], score: 0.94 }],
  model: by('region'),
  words: [0, 7],
}
export const absent: Evidence = {
  id: 'ev_01JQ8W5V3C7N2X9M',
  ...seen,
  task: 'region',
  token: '<region>',
  query: 'a dog',
  score: 0.03,
  regions: [],
  model: by('region'),
}
export const mask: Evidence = {
  id: 'ev_01JQ8W5V3C7N2X9N',
  ...seen,
  task: 'mask',
  token: '<mask>',
  query: 'the cup',
  score: 0.91,
  mask: encodeRle(Uint8Array.of(0, 1, 0, 0, 1, 0), 2, 3),
  box: [0.3333333333333333, 0, 0.6666666666666666, 1],
  model: by('mask'),
  from: ['ev_01JQ8W5V3C7N2X9K'],
}
export const moment: Evidence = {
  id: 'ev_01JQ8W5V3C7N2X9P',
  ...seen,
  task: 'moment',
  token: '<moment>',
  query: 'somebody lifts the cup',
  score: 0.88,
  spans: [{ start: 3200, end: 5400, score: 0.88 }],
  saliency: { from: 0, step: 400, values: [0.02, 0.1, 0.85, 0.9, 0.2] },
  model: by('moment'),
}
