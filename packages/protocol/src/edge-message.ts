import { z } from 'zod'
import { ErrorMessage } from './error.ts'
import { SessionEvent, SessionState } from './event.ts'
import { Evidence } from './evidence.ts'
import { AskBody } from './ask.ts'
import { Limits } from './limits.ts'
import { StreamPolicy, StreamBody } from './stream.ts'
import { Task } from './tasks/task.ts'
import { ClientId, Duration, EvidenceId, MediaTime, Seq, SessionId, StreamNumber } from './units.ts'
import { FrameDropped, FrameSeen, FramesSettled } from './verdict-message.ts'
import { TrackBody, TrackLife, WatchBody } from './watch.ts'

export const Role = z.enum(['owner', 'viewer'])
export type Role = z.infer<typeof Role>

export const ModelInfo = z.strictObject({
  name: z.string(),
  hash: z.string(),
  tasks: z.array(Task),
  imageSize: z.tuple([z.int(), z.int()]).optional().describe('[height, width] the model sees: larger frames are only shrunk'),
})
export type ModelInfo = z.infer<typeof ModelInfo>

/** First message of the edge on a socket. `streams[].sent` tells a new owner program the next number [WI5]. */
export const SessionReady = z.strictObject({
  type: z.literal('session-ready'),
  session: SessionId,
  epoch: z.int().min(0),
  seq: Seq,
  role: Role,
  state: SessionState,
  model: ModelInfo.optional().describe('absent until a backend has attached'),
  limits: Limits,
  streams: z.array(
    z.strictObject({
      stream: StreamNumber,
      policy: StreamPolicy,
      sent: z.int().min(0),
      window: z.int().min(0),
      maxFrameBytes: z.int(),
      mediaTime: MediaTime.optional().describe('of the newest seen frame: who goes on with the stream goes on from there'),
    }),
  ),
  nextStream: z.int().min(0).max(0x10000).describe('this stream number and those above it were never used in the session'),
})
export type SessionReady = z.infer<typeof SessionReady>

/** The window of a stream, absolute; 0 = wait [FR2]. */
export const StreamWindow = z.strictObject({ type: z.literal('stream-window'), stream: StreamNumber, window: z.int().min(0).max(256) })
export type StreamWindow = z.infer<typeof StreamWindow>

/** A head's result while it is being refined; never logged [AS2]. */
export const HeadPartial = z.strictObject({ type: z.literal('head-partial'), ask: ClientId, evidence: Evidence })
export type HeadPartial = z.infer<typeof HeadPartial>

export const Stats = z.strictObject({
  type: z.literal('stats'),
  streams: z.array(z.strictObject({ stream: StreamNumber, sent: z.int(), seen: z.int(), dropped: z.int(), pending: z.int() })),
  timings: z.strictObject({ p50: Duration, p95: Duration }).describe('ms from arrival at the edge to the verdict, last 100 frames'),
})
export type Stats = z.infer<typeof Stats>

/** The state of a session at `seq`, where the log no longer reaches back to the reader, or for a viewer who comes late [EV2] [SE1]. */
export const SessionReset = z.strictObject({
  type: z.literal('session-reset'),
  seq: Seq,
  state: z.strictObject({
    state: SessionState,
    streams: z.array(StreamBody),
    watches: z.array(WatchBody),
    tracks: z.array(TrackBody.extend({ life: TrackLife })),
    asks: z.array(AskBody.extend({ answer: z.string(), evidence: z.array(EvidenceId), ended: z.boolean() })),
    turns: z.array(z.strictObject({ turn: ClientId, text: z.string(), answer: z.string().describe('what was said so far'), ended: z.boolean() })),
    workflows: z.array(z.strictObject({ run: ClientId, name: z.string(), ended: z.boolean() })),
  }),
})
export type SessionReset = z.infer<typeof SessionReset>

/** What the edge says and does not log. */
export const TransientMessage = z.discriminatedUnion('type', [
  SessionReady,
  StreamWindow,
  FrameSeen,
  FrameDropped,
  FramesSettled,
  HeadPartial,
  Stats,
  SessionReset,
  ErrorMessage,
])
export type TransientMessage = z.infer<typeof TransientMessage>

/** Everything a client may read as text. */
export const EdgeMessage = z.union([TransientMessage, SessionEvent])
export type EdgeMessage = z.infer<typeof EdgeMessage>
