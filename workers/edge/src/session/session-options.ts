import type { Limits } from '@fovea/protocol'
import type { SessionRow, SessionStore } from '../store/session-store.ts'
import type { Alarm } from './deadlines.ts'
import type { LeasePort } from './lease.ts'
import type { RunHost, Runs } from './runs.ts'
import type { SessionSocket } from './socket.ts'
import type { UsageDelta } from './usage-count.ts'

/** What a session needs of the platform. */
export type SessionOptions = {
  row: SessionRow
  store: SessionStore
  /** sockets that outlived the sleep of this object */
  sockets: readonly SessionSocket[]
  now: () => number
  alarm: Alarm
  pool: LeasePort
  background: (work: Promise<unknown>) => void
  usage: (delta: UsageDelta) => void
  /** the session has ended: its index says so */
  ended: () => void
  limits?: Limits
  runs?: readonly ((host: RunHost) => Runs)[]
}
