import type { Limits, ProtocolError, SessionEvent, SessionState, ToBackend, UnnumberedEvent } from '@fovea/protocol'
import type { SessionStore } from '../store/session-store.ts'
import type { Deadlines } from './deadlines.ts'
import type { EventLog } from './event-log.ts'

/** What the parts of a session share. */
export type SessionContext = {
  readonly id: string
  readonly limits: Limits
  readonly store: SessionStore
  readonly log: EventLog
  readonly deadlines: Deadlines
  now(): number
  state(): SessionState
  /** Writes an event, then sends it. Throws where it cannot be written: then nothing has happened. */
  emit(event: UnnumberedEvent, alongside?: () => void): SessionEvent
  /** The same for what has happened already and cannot be refused: it is kept until it can be written. */
  record(event: UnnumberedEvent, alongside?: () => void): void
  /** To the backend, where one is attached; false where none is. */
  toBackend(message: ToBackend): boolean
  /** Sees to it that a backend is there or on its way. */
  wake(because: string): void
  /** Says to the owner that something it asked for was refused. */
  refuseOwner(error: ProtocolError, of?: string): void
}
