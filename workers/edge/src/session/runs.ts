import { ProtocolError, toProtocolError } from '@fovea/protocol'
import type { ClientMessage, SessionEvent, VisionSession } from '@fovea/protocol'
import type { SessionContext } from './context.ts'
import type { Session } from './session.ts'

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

/** What a session lends to its turns and workflows. */
export function hostOf(session: Session): RunHost {
  const { context, vision, deadlines } = session
  return {
    context,
    vision,
    listen: (listener) => session.listen(listener),
    // Not held by waitUntil: a run that waits for its ask or track may sleep with this object, and is taken up when something wakes it.
    background: (work) => void work.catch((error: unknown) => context.refuseOwner(toProtocolError(error))),
    wakeAt: (run, due) => deadlines.set('run', run, due),
  }
}

/** Hands a message on to whose it is: turns or workflows. */
export function obeyRun({ row, runs }: Session, message: RunMessage): void {
  if (row.phase === 'ended') throw new ProtocolError('conflict', 'This session has ended. Open a new one.')
  if (runs.some((one) => one.handle(message))) return
  throw new ProtocolError('unsupported', `This edge does not run ${message.type.startsWith('turn') ? 'turns' : 'workflows'}.`)
}
