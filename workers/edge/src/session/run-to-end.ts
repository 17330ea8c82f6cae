import { ProtocolError } from '@fovea/protocol'
import type { SessionEvent } from '@fovea/protocol'
import { obeyRun } from './runs.ts'
import type { RunMessage } from './runs.ts'
import type { Session } from './session.ts'

export type RunStart = Extract<RunMessage, { type: 'turn-start' | 'workflow-start' }>
export type RunEnded = Extract<SessionEvent, { type: 'turn-ended' | 'workflow-ended' }>

export function idOf(message: RunStart): string {
  return message.type === 'turn-start' ? message.turn : message.run
}

/** Starts a turn or a workflow, or finds it again, and waits for its end. */
export async function runToEnd(session: Session, message: RunStart): Promise<RunEnded> {
  const id = idOf(message)
  let ended: RunEnded | undefined
  let wake: (() => void) | undefined
  const stop = session.listen((event) => {
    if (!isEnd(event, id)) return
    ended = event
    wake?.()
  })
  try {
    obeyRun(session, message)
    ended ??= outcomeOf(session, id)
    if (!ended) await new Promise<void>((resolve) => (wake = resolve))
  } finally {
    stop()
  }
  if (!ended) throw new ProtocolError('internal', `Run ${id} ended without an outcome.`)
  return ended
}

function outcomeOf(session: Session, id: string): RunEnded | undefined {
  const outcome = session.context.store.run(id)?.outcome
  return outcome && isEnd(outcome, id) ? outcome : undefined
}

function isEnd(event: SessionEvent, id: string): event is RunEnded {
  return (event.type === 'turn-ended' && event.turn === id) || (event.type === 'workflow-ended' && event.run === id)
}
