import { toProtocolError } from '@fovea/protocol'
import type { Session } from './session.ts'

/** How often pending work is looked at [SE5], and for how long a backend may be silent meanwhile. */
const PENDING_MS = 3000
const SILENT_MS = 8000
/** Without a client and without work, the backend is given back after this. */
const IDLE_MS = 60_000

/** Everything a session does because time has passed. One alarm, and rows that say what it is for [SE5]. */
export class Upkeep {
  readonly #session: Session
  #pendingWatched: boolean

  constructor(session: Session) {
    this.#session = session
    this.#pendingWatched = session.deadlines.has('pending')
  }

  /** Something is pending now: look at it in three seconds. At most one write in that time, however many frames come. */
  watchPending(): void {
    if (this.#pendingWatched) return
    this.#session.deadlines.set('pending', '', this.#session.now() + PENDING_MS)
    this.#pendingWatched = true
  }

  /** The last client has gone. */
  watchIdle(): void {
    const { deadlines, limits, now } = this.#session
    deadlines.set('idle', '', now() + IDLE_MS)
    deadlines.set('retire', '', now() + limits.logAgeMs)
  }

  /** A client is here. */
  stopWatchingIdle(): void {
    this.#session.deadlines.clear('idle')
    this.#session.deadlines.clear('retire')
  }

  /** The session has ended: its events go when they are as old as a log may be. */
  watchEnded(): void {
    const { deadlines, limits, now } = this.#session
    deadlines.set('forget', '', now() + limits.logAgeMs)
  }

  alarm(): void {
    const { deadlines, now, context } = this.#session
    const time = now()
    for (const { kind, key } of deadlines.take(time)) {
      try {
        this.#meet(kind, key)
      } catch (error) {
        context.refuseOwner(toProtocolError(error))
        deadlines.set(kind, key, time + 1000)
      }
    }
    deadlines.rearm()
  }

  #meet(kind: string, key: string): void {
    const session = this.#session
    switch (kind) {
      case 'resume': {
        const link = session.clients.tagged(Number(key))
        if (link && !link.attachment.resumed) session.hangUp(link, 'protocol', 'session-resume is the first message; none came')
        return
      }
      case 'assign':
        return session.backing.missedCurrent()
      case 'lease':
        return session.backing.rested()
      case 'ask':
      case 'cancel':
        return session.asks.deadline(kind, key)
      case 'pending':
        return this.#lookAtPending()
      case 'idle':
        return this.#rest()
      case 'retire':
        return this.#retire()
      case 'forget':
        return session.log.forget()
      case 'picture':
        return session.pictures.expired(key)
      case 'run':
        session.runs.some((run) => run.deadline(key))
        return
      default:
        // A kind of another version of this code: nothing waits for it any more.
        return
    }
  }

  /** Is the backend alive, does every reader read, is the store back? */
  #lookAtPending(): void {
    const { clients, streams, asks, backing, log, now } = this.#session
    const time = now()
    this.#pendingWatched = false
    for (const link of clients) if (link.stuck) this.#session.hangUp(link, 'overloaded', 'nothing was read for a minute')
    const pending = streams.pending || asks.sent
    if (pending && backing.link && time - backing.link.heardAt > SILENT_MS) backing.lose(`it said nothing for ${SILENT_MS / 1000} s`)
    this.#session.tellUsage(time)
    if (pending || log.waiting || clients.slow) this.watchPending()
    if (log.waiting) log.flush()
    log.trimByAge()
  }

  /** Nobody came for as long as a log is kept: the session is over, and its storage is bounded [EV4]. */
  #retire(): void {
    const { clients, log, limits, row, deadlines, now } = this.#session
    if (clients.size > 0 || row.phase === 'ended') return
    const due = log.newestAt + limits.logAgeMs
    if (this.#session.needsBackend || due > now()) return deadlines.set('retire', '', Math.max(due, now() + IDLE_MS))
    this.#session.end('nobody came for as long as its log is kept')
  }

  /** Nobody is here and nothing runs: the backend is given back; a returning client gets another. */
  #rest(): void {
    const { clients, row, backing, standing, streams } = this.#session
    if (clients.size > 0 || row.phase === 'ended' || row.phase === 'idle') return
    if (this.#session.needsBackend) return this.watchIdle()
    const because = 'no client for a minute'
    standing.endAll(because)
    for (const stream of streams.open.values()) streams.settle(stream, 'unavailable')
    streams.keep()
    backing.giveBack(because, 'idle')
  }
}
