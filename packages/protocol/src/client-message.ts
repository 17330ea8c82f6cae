import { z } from 'zod'
import { AskBody } from './ask.ts'
import { StreamBody } from './stream.ts'
import { ClientId, EvidenceId, FrameNumber, Seq, StreamNumber, Words } from './units.ts'
import { TrackBody, WatchBody } from './watch.ts'
import { WorkflowGraph } from './workflow-graph.ts'

const message = <Name extends string, Shape extends z.core.$ZodShape>(type: Name, shape: Shape) => z.strictObject({ type: z.literal(type), ...shape })

export const StreamOpen = StreamBody.extend({ type: z.literal('stream-open') })
export const StreamClose = message('stream-close', { stream: StreamNumber })
export const StreamPause = message('stream-pause', { stream: StreamNumber, paused: z.boolean() })
export const AskStart = AskBody.extend({ type: z.literal('ask-start') })
export const AskCancel = message('ask-cancel', { ask: ClientId })
export const WatchStart = WatchBody.extend({ type: z.literal('watch-start') })
export const WatchStop = message('watch-stop', { watch: ClientId })
export const TrackStart = TrackBody.extend({ type: z.literal('track-start') })
export const TrackStop = message('track-stop', { track: ClientId })
export const TurnStart = message('turn-start', { turn: ClientId, text: Words, stream: StreamNumber.optional() })
export const TurnCancel = message('turn-cancel', { turn: ClientId })
export const WorkflowStart = message('workflow-start', { run: ClientId, graph: WorkflowGraph, input: z.record(z.string(), z.json()).optional() })
export const WorkflowCancel = message('workflow-cancel', { run: ClientId })
export const PictureGet = message('picture-get', { request: ClientId, stream: StreamNumber, frame: FrameNumber, evidence: EvidenceId.optional() })
export const SessionEnd = message('session-end', {})
export const Ack = message('ack', { seq: Seq, received: z.int().min(0) })

/** The first message on every client socket [WI5] [EV2]: where the reader stands. */
export const SessionResume = message('session-resume', {
  lastSeq: Seq,
  streams: z.array(z.strictObject({ stream: StreamNumber, sent: z.int().min(0), unsettled: z.array(FrameNumber).max(256) })).max(64),
})
export type SessionResume = z.infer<typeof SessionResume>

/** Everything a client may say as text; a closed union, unknown types and fields are refused [WI2]. */
export const ClientMessage = z.discriminatedUnion('type', [
  StreamOpen,
  StreamClose,
  StreamPause,
  AskStart,
  AskCancel,
  WatchStart,
  WatchStop,
  TrackStart,
  TrackStop,
  TurnStart,
  TurnCancel,
  WorkflowStart,
  WorkflowCancel,
  PictureGet,
  SessionResume,
  SessionEnd,
  Ack,
])
export type ClientMessage = z.infer<typeof ClientMessage>
