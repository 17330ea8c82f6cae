import { z } from 'zod'
import { Finish, Usage } from './ask.ts'
import { AskCancel, AskStart, PictureGet, StreamClose, StreamOpen, StreamPause, TrackStart, TrackStop, WatchStart, WatchStop } from './client-message.ts'
import { HeadPartial, ModelInfo } from './edge-message.ts'
import { ErrorBody, ErrorMessage } from './error.ts'
import { Because } from './event.ts'
import { Evidence } from './evidence.ts'
import { Box } from './geometry.ts'
import { Limits } from './limits.ts'
import { StreamBody } from './stream.ts'
import { Task } from './tasks/task.ts'
import { ClientId, Duration, EvidenceId, FrameNumber, MediaTime, SessionId, StreamNumber, Unit } from './units.ts'
import { TrackBody, WatchBody } from './watch.ts'

const message = <Name extends string, Shape extends z.core.$ZodShape>(type: Name, shape: Shape) => z.strictObject({ type: z.literal(type), ...shape })
const trackStep = { track: ClientId, stream: StreamNumber, frame: FrameNumber, mediaTime: MediaTime, score: Unit, box: Box.optional() }

/** First message on a session socket, edge → backend: what stands already. */
export const SessionOpen = message('session-open', {
  session: SessionId,
  epoch: z.int().min(1),
  limits: Limits,
  streams: z.array(StreamBody),
  watches: z.array(WatchBody),
  tracks: z.array(TrackBody),
  transcript: z.array(z.strictObject({ text: z.string(), answer: z.string() })).max(20),
  traceparent: z.string().optional(),
})
export type SessionOpen = z.infer<typeof SessionOpen>

export const SessionClose = message('session-close', { because: Because })

/** Edge → backend on the session socket, beside binary frames. The client's own messages go on unchanged. */
export const ToBackend = z.discriminatedUnion('type', [
  SessionOpen,
  SessionClose,
  StreamOpen,
  StreamClose,
  StreamPause,
  AskStart,
  AskCancel,
  WatchStart,
  WatchStop,
  TrackStart,
  TrackStop,
  PictureGet,
])
export type ToBackend = z.infer<typeof ToBackend>

/** The backend's answer to `session-open`: frames may come. */
export const SessionAttached = message('session-attached', { epoch: z.int().min(1), window: z.int().min(1).max(256), model: ModelInfo })

/** The load of a backend: every second on both of its kinds of socket while it works. */
export const Load = message('load', { sessions: z.int().min(0), deviceMs: Duration, oldestMs: Duration, modelThread: z.enum(['starting', 'ready', 'hung']) })
export type Load = z.infer<typeof Load>

/** Backend → edge on the session socket, beside binary verdicts (kind 2) and pictures (kind 4). The edge gives the durable ones their `seq`. */
export const FromBackend = z.discriminatedUnion('type', [
  SessionAttached,
  Load,
  HeadPartial,
  ErrorMessage,
  message('answer-delta', { ask: ClientId, text: z.string() }),
  message('head-started', { ask: ClientId, evidence: EvidenceId, task: Task, token: z.string(), query: z.string() }),
  message('head-result', { ask: ClientId, evidence: Evidence }),
  message('answer-ended', { ask: ClientId, finish: Finish, text: z.string(), usage: Usage, error: ErrorBody.optional() }),
  message('watch-started', { ...WatchBody.shape, standing: z.boolean() }),
  message('watch-stopped', { watch: ClientId, because: Because, error: ErrorBody.optional() }),
  message('track-confirmed', trackStep),
  message('track-lost', trackStep),
  message('track-found', trackStep),
  message('track-gap', { track: ClientId, from: MediaTime, to: MediaTime }),
  message('track-ended', { track: ClientId, because: Because, error: ErrorBody.optional() }),
])
export type FromBackend = z.infer<typeof FromBackend>

/** A text message of a backend: one message, or all that it had to say at one moment, in order, so that the edge writes them down in one go. */
export const BackendText = z.union([FromBackend, z.array(FromBackend).min(1)])
export type BackendText = z.infer<typeof BackendText>
