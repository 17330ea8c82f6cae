import type { AskAt, Finish, Usage } from './ask.ts'
import type { ErrorBody } from './error.ts'
import type { AskEvent } from './event.ts'
import type { Evidence } from './evidence.ts'
import type { Box } from './geometry.ts'
import type { Perception } from './verdict-message.ts'
import type { Task } from './tasks/task.ts'
import type { TrackLife, TrackPrompt } from './watch.ts'

/**
 * What tools, agents and workflows need of a session, wherever it lives: the SDK implements it over the wire, the edge
 * in place. Types only. `id` fields make a call idempotent: the same id never runs twice [AS1].
 */
export interface VisionSession {
  readonly id: string
  /** Asks in free words; the model decides whether to point. */
  ask(text: string, options?: AskOptions): Answer
  /** Where is it? The region head is forced; no box = not in view [PE2]. `text` of the ask is the bare phrase. */
  locate(query: string, options?: LookOptions): Promise<Evidence>
  /** Its mask in one frame; the mask head is forced. */
  segment(query: string, options?: LookOptions): Promise<Evidence>
  /** When does it happen? The moment head is forced. */
  findMoment(query: string, options?: LookOptions): Promise<Evidence>
  /** Follows one object from a phrase, a box, points or a mask until it is stopped. */
  follow(prompt: TrackPrompt, options?: FollowOptions): Promise<Track>
  /** Evidence by id, as long as the event log keeps it. */
  recall(evidence: string): Promise<Evidence | undefined>
  /** How fresh the view is: the newest seen frame of a stream, or undefined when none came yet. */
  view(stream?: number): View | undefined
}

export type LookOptions = { stream?: number; at?: AskAt; deadlineMs?: number; id?: string; signal?: AbortSignal }
/** `boxes`: what each `<box>` in the text stands for, in order. */
export type AskOptions = LookOptions & { tasks?: Exclude<Task, 'track'>[]; boxes?: Box[] }
export type FollowOptions = { stream?: number; id?: string; signal?: AbortSignal }

export type AnswerResult = { ask: string; text: string; evidence: Evidence[]; finish: Finish; usage: Usage; error?: ErrorBody }
/** Words and evidence as they come, and the whole answer as a promise: `for await (const event of answer)` or `await answer`. */
export interface Answer extends AsyncIterable<AskEvent>, PromiseLike<AnswerResult> {
  readonly ask: string
  cancel(): void
}

export type TrackUpdate = { track: string; life: TrackLife; stream: number; frame: number; mediaTime: number; perception?: Perception }
/** A followed object; iterate its updates, or read `last`. */
export interface Track extends AsyncIterable<TrackUpdate> {
  readonly track: string
  readonly last: TrackUpdate | undefined
  stop(): void
}

export type View = { stream: number; frame: number; mediaTime: number; receivedAt: number; ageMs: number; perceptions: Perception[] }
