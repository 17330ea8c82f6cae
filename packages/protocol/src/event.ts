import { z } from 'zod'
import { AskAt, AskBody, Finish, Usage } from './ask.ts'
import { ErrorBody } from './error.ts'
import { Evidence } from './evidence.ts'
import { Box } from './geometry.ts'
import { StreamBody } from './stream.ts'
import { Task } from './tasks/task.ts'
import { ClientId, EvidenceId, FrameNumber, MediaTime, Seq, SessionId, StreamNumber, Unit, WallTime } from './units.ts'
import { TrackPrompt, WatchBody } from './watch.ts'

/** States of a session [SE3]. */
export const SessionState = z.enum(['idle', 'attaching', 'live', 'paused', 'degraded', 'ended'])
export type SessionState = z.infer<typeof SessionState>

export const Because = z.string().max(300).describe('the reason, for people')

const event = <Name extends string, Shape extends z.core.$ZodShape>(type: Name, shape: Shape) =>
  z.strictObject({ type: z.literal(type), seq: Seq, at: WallTime, ...shape })
const trackStep = { track: ClientId, stream: StreamNumber, frame: FrameNumber, mediaTime: MediaTime, score: Unit, box: Box.optional() }

/** The durable events: written before they are sent, one `seq` each, rising by one [EV1]. */
export const SessionEvent = z.discriminatedUnion('type', [
  event('session-started', { session: SessionId }),
  event('session-ended', { because: Because }),
  event('session-state', { state: SessionState, epoch: z.int().min(0), because: Because }),
  event('stream-opened', StreamBody.shape),
  event('stream-closed', { stream: StreamNumber, because: Because }),
  // `at` of an event is its time; where the ask looks, its own `at`, is told as `look`.
  event('ask-accepted', { ...AskBody.omit({ at: true }).shape, look: AskAt.optional() }),
  event('answer-delta', { ask: ClientId, text: z.string() }),
  event('head-started', { ask: ClientId, evidence: EvidenceId, task: Task, token: z.string(), query: z.string() }),
  event('head-result', { ask: ClientId, evidence: Evidence }),
  event('answer-ended', { ask: ClientId, finish: Finish, text: z.string(), usage: Usage, error: ErrorBody.optional() }),
  event('watch-started', { ...WatchBody.shape, standing: z.boolean() }),
  event('watch-stopped', { watch: ClientId, because: Because, error: ErrorBody.optional() }),
  event('track-started', { track: ClientId, stream: StreamNumber, prompt: TrackPrompt }),
  event('track-confirmed', trackStep),
  event('track-lost', trackStep),
  event('track-found', trackStep),
  event('track-gap', { track: ClientId, from: MediaTime, to: MediaTime }),
  event('track-ended', { track: ClientId, because: Because, error: ErrorBody.optional() }),
  event('turn-started', { turn: ClientId, text: z.string() }),
  event('turn-delta', {
    turn: ClientId,
    from: z.int().min(0).describe('where in the words of the turn this text stands, in UTF-16 units: what was said from there on, it replaces'),
    text: z.string(),
  }),
  event('tool-called', { turn: ClientId, call: z.string(), tool: z.string(), input: z.record(z.string(), z.json()) }),
  event('tool-returned', {
    turn: ClientId,
    call: z.string(),
    tool: z.string(),
    content: z.string(),
    evidence: z.array(EvidenceId),
    error: ErrorBody.optional(),
  }),
  event('turn-ended', { turn: ClientId, finish: Finish, text: z.string(), evidence: z.array(EvidenceId), error: ErrorBody.optional() }),
  event('workflow-started', { run: ClientId, name: z.string() }),
  event('workflow-step-ended', {
    run: ClientId,
    step: z.string(),
    kind: z.string(),
    ms: z.number(),
    output: z.record(z.string(), z.json()),
    next: z.string().optional(),
  }),
  event('workflow-event', { run: ClientId, step: z.string(), name: z.string(), data: z.record(z.string(), z.string()) }),
  event('workflow-ended', { run: ClientId, finish: Finish, output: z.record(z.string(), z.json()), error: ErrorBody.optional() }),
])
export type SessionEvent = z.infer<typeof SessionEvent>
export type SessionEventType = SessionEvent['type']

type WithoutSeq<E> = E extends unknown ? Omit<E, 'seq' | 'at'> : never
/** An event before the log has given it its number and time. */
export type UnnumberedEvent = WithoutSeq<SessionEvent>
/** The events of one ask, in order [AS2]. */
export type AskEvent = Extract<SessionEvent, { ask: string }>
