import type { SessionEvent } from '@fovea/protocol'
import { Run } from './run.ts'

export type TurnEvent = Extract<SessionEvent, { turn: string }>
export type TurnOutcome = Extract<SessionEvent, { type: 'turn-ended' }>
export type WorkflowEvent = Extract<SessionEvent, { run: string }>
export type WorkflowOutcome = Extract<SessionEvent, { type: 'workflow-ended' }>

/** An agent turn or a workflow run at the edge: its events as they come, its last one as the outcome. It goes on when this program is away. */
export class EdgeRun<Event extends { type: string }, Outcome extends Event> extends Run<Event, Outcome> {
  readonly id: string
  readonly #isLast: (event: Event) => event is Outcome
  readonly #cancel: () => void

  constructor(id: string, isLast: (event: Event) => event is Outcome, cancel: () => void) {
    super()
    this.id = id
    this.#isLast = isLast
    this.#cancel = cancel
  }

  cancel(): void {
    if (!this.ended) this.#cancel()
  }

  /** @internal */
  take(event: Event): void {
    this.push(event)
    if (this.#isLast(event)) this.finish(event)
  }
}

export function turnRun(id: string, cancel: () => void): EdgeRun<TurnEvent, TurnOutcome> {
  return new EdgeRun<TurnEvent, TurnOutcome>(id, (event): event is TurnOutcome => event.type === 'turn-ended', cancel)
}

export function workflowRun(id: string, cancel: () => void): EdgeRun<WorkflowEvent, WorkflowOutcome> {
  return new EdgeRun<WorkflowEvent, WorkflowOutcome>(id, (event): event is WorkflowOutcome => event.type === 'workflow-ended', cancel)
}
