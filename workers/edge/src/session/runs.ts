import type { ClientMessage, SessionEvent, VisionSession } from '@fovea/protocol'
import type { SessionContext } from './context.ts'

export type RunMessage = Extract<ClientMessage, { type: 'turn-start' | 'turn-cancel' | 'workflow-start' | 'workflow-cancel' }>

/** What turns and workflows may use of the session they run in. */
export type RunHost = {
  readonly context: SessionContext
  readonly vision: VisionSession
  /** every event of the session from now on, until the returned function is called */
  listen(listener: (event: SessionEvent) => void): () => void
  /** lets work go on after this call, for as long as this object is awake; what it throws is told to the owner */
  background(work: Promise<void>): void
  /** rings `deadline` of the run after the time is up, also when this object has been evicted meanwhile */
  wakeAt(run: string, due: number): void
}

/** Turns or workflows: what the session hands on to them. */
export interface Runs {
  /** true where the message was one of theirs; throws a ProtocolError where it is refused */
  handle(message: RunMessage): boolean
  /** true while something runs: the backend is kept */
  readonly busy: boolean
  /** this object has woken: goes on with what was not finished */
  resume(): void
  /** a wait is over; true where the run was one of theirs */
  deadline(run: string): boolean
  /** the session ends */
  end(because: string): void
}
