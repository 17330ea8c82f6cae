import { MAX_EVENT_BYTES, ProtocolError } from '@fovea/protocol'
import type { Limits, SessionEvent, UnnumberedEvent } from '@fovea/protocol'
import type { SessionStore, StoredEvent } from '../store/session-store.ts'

/** An event as it was written: what is sent is exactly what is kept. */
export type Logged = { event: SessionEvent; json: string }

/** Bytes of events that wait for a store that fails; beyond it the log refuses. */
const BACKLOG_BYTES = 1024 * 1024
/** Trimming goes down to this part of the cap, so that it does not run at every event. */
const TRIM_TO = 0.9

type Waiting = { event: UnnumberedEvent; alongside: (() => void) | undefined; bytes: number }

/** The append-only log of a session: written before it is sent, numbered without gap, capped [EV1] [EV4]. */
export class EventLog {
  readonly #store: SessionStore
  readonly #limits: Limits
  readonly #now: () => number
  readonly #written: (logged: Logged) => void
  readonly #backlog: Waiting[] = []
  #backlogBytes = 0
  #first: number
  #last: number
  #bytes: number

  constructor({ store, limits, now, written }: { store: SessionStore; limits: Limits; now: () => number; written: (logged: Logged) => void }) {
    this.#store = store
    this.#limits = limits
    this.#now = now
    this.#written = written
    const extent = store.logExtent()
    this.#first = extent.first
    this.#last = extent.last
    this.#bytes = extent.bytes
  }

  /** `seq` of the newest event. */
  get last(): number {
    return this.#last
  }

  get bytes(): number {
    return this.#bytes
  }

  /** True where every event after `seq` is still here. */
  reaches(seq: number): boolean {
    return seq <= this.#last && (seq >= this.#first - 1 || this.#last === 0)
  }

  /** Writes one event, and in the same transaction what belongs to it; then it is sent. Throws where it cannot be written: then nothing has happened. */
  append(event: UnnumberedEvent, alongside?: () => void): SessionEvent {
    this.flush()
    return this.#write(event, alongside)
  }

  /**
   * The same for what cannot be refused because it has happened already, such as words from a backend. Where the store fails it waits its
   * turn here and is written, in order, with the next event. Returns what went wrong, if anything did.
   */
  keep(event: UnnumberedEvent, alongside?: () => void): unknown {
    try {
      this.append(event, alongside)
      return undefined
    } catch (error) {
      if (error instanceof ProtocolError) return error
      const bytes = JSON.stringify(event).length
      if (this.#backlogBytes + bytes > BACKLOG_BYTES) throw error
      this.#backlog.push({ event, alongside, bytes })
      this.#backlogBytes += bytes
      return error
    }
  }

  /** Writes what waits, oldest first. Throws where the store still fails. */
  flush(): void {
    for (let next = this.#backlog[0]; next; next = this.#backlog[0]) {
      this.#write(next.event, next.alongside)
      this.#backlog.shift()
      this.#backlogBytes -= next.bytes
    }
  }

  get waiting(): boolean {
    return this.#backlog.length > 0
  }

  after(seq: number, limit: number): StoredEvent[] {
    return this.#store.eventsAfter(seq, limit)
  }

  /** When the newest event was written. */
  get newestAt(): number {
    return this.#store.logExtent().newestAt
  }

  /** The session has ended long ago: drops all but the newest event. */
  forget(): void {
    if (this.#last > 1) this.#removeThrough(this.#last - 1)
    this.#bytes = this.#store.logExtent().bytes
    this.#store.clear()
  }

  /** Drops what is older than the log may be: events, and asks and runs that are over. */
  trimByAge(): void {
    const oldest = this.#now() - this.#limits.logAgeMs
    this.#store.removeAsksBefore(oldest)
    this.#store.removeRunsBefore(oldest)
    let through = 0
    for (const row of this.#store.oldestEvents(1000)) {
      // The newest event stays: it is what tells the next number after an eviction.
      if (row.at >= oldest || row.seq === this.#last) break
      through = row.seq
      this.#bytes -= row.bytes
    }
    if (through) this.#removeThrough(through)
  }

  #write(event: UnnumberedEvent, alongside: (() => void) | undefined): SessionEvent {
    const numbered: SessionEvent = { ...event, seq: this.#last + 1, at: this.#now() }
    const json = JSON.stringify(numbered)
    if (json.length > MAX_EVENT_BYTES) {
      throw new ProtocolError('too-large', `A ${event.type} of ${json.length} bytes came; an event holds at most ${MAX_EVENT_BYTES}. It was left out.`, {
        expected: MAX_EVENT_BYTES,
        got: json.length,
      })
    }
    this.#store.atomically(() => {
      this.#store.addEvent(numbered, json)
      alongside?.()
    })
    this.#last = numbered.seq
    if (this.#first === 0) this.#first = numbered.seq
    this.#bytes += json.length
    if (this.#bytes > this.#limits.logBytes) this.#trimBySize()
    this.#written({ event: numbered, json })
    return numbered
  }

  #trimBySize(): void {
    let through = 0
    for (const row of this.#store.oldestEvents(1000)) {
      if (this.#bytes <= this.#limits.logBytes * TRIM_TO || row.seq === this.#last) break
      through = row.seq
      this.#bytes -= row.bytes
    }
    if (through) this.#removeThrough(through)
  }

  #removeThrough(seq: number): void {
    this.#store.removeEventsThrough(seq)
    this.#first = seq + 1
  }
}
