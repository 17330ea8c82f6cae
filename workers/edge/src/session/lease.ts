import type { SessionStore, SessionRow } from '../store/session-store.ts'
import type { Deadlines } from './deadlines.ts'

/** The pool, as a session sees it. */
export interface LeasePort {
  /** Asks a backend to dial this session under this epoch; resolves when one was told, or with why not. */
  lease(request: { session: string; epoch: number; wants: string | null; avoid: string | null }): Promise<{ backend: string } | { because: string }>
  /** the session waits for a backend and is told when one has room */
  wait(session: string): Promise<void>
  release(session: string): Promise<void>
}

/** A backend that was told has this long to dial in. */
export const ASSIGN_MS = 5000
const TRIES = 3
const BACKOFF_MS = [200, 1000, 3000]

type LeaseEvents = {
  /** the epoch of this try is spent: nobody attaches under it any more [EP1] */
  spent(because: string): void
  /** no backend after all tries [SE3] */
  failed(because: string): void
  background(work: Promise<void>): void
}

/** Getting a backend: one epoch a try [EP1], three tries, then the session is degraded until a backend says `hello`. */
export class Lease {
  readonly #row: SessionRow
  readonly #store: SessionStore
  readonly #deadlines: Deadlines
  readonly #pool: LeasePort
  readonly #now: () => number
  readonly #events: LeaseEvents

  constructor({
    row,
    store,
    deadlines,
    pool,
    now,
    events,
  }: {
    row: SessionRow
    store: SessionStore
    deadlines: Deadlines
    pool: LeasePort
    now: () => number
    events: LeaseEvents
  }) {
    this.#row = row
    this.#store = store
    this.#deadlines = deadlines
    this.#pool = pool
    this.#now = now
    this.#events = events
  }

  /** The first of up to three tries. */
  begin(): void {
    this.#row.tries = 0
    this.#try()
  }

  /** True while a backend may still come under this epoch. */
  awaits(epoch: number): boolean {
    return epoch === this.#row.epoch && this.#row.phase === 'attaching' && !this.#deadlines.has('lease')
  }

  /** One try came to nothing: the next after a pause, or the end. */
  missed(epoch: number, because: string): void {
    if (!this.awaits(epoch)) return
    this.#deadlines.clear('assign')
    this.#events.spent(because)
    if (this.#row.tries >= TRIES) {
      this.#events.background(this.#pool.wait(this.#row.id))
      return this.#events.failed(because)
    }
    this.#deadlines.set('lease', '', this.#now() + (BACKOFF_MS[this.#row.tries - 1] ?? 3000))
  }

  /** A backend has said `hello` during a pause. */
  again(): void {
    if (this.#row.phase === 'attaching' && this.#deadlines.has('lease')) this.#try()
  }

  /** The pause is over. */
  rested(): void {
    if (this.#row.phase === 'attaching') this.#try()
  }

  won(backend: string): void {
    this.#deadlines.clear('assign')
    this.#deadlines.clear('lease')
    this.#row.backend = backend
    this.#row.failed = null
    this.#row.tries = 0
  }

  #try(): void {
    const row = this.#row
    row.epoch++
    row.tries++
    // Stored before the pool hears of it: whatever dials in later with an older epoch is fenced.
    this.#store.saveSession(row)
    this.#deadlines.clear('lease')
    this.#deadlines.set('assign', '', this.#now() + ASSIGN_MS)
    const { epoch } = row
    this.#events.background(
      this.#pool.lease({ session: row.id, epoch, wants: row.wants, avoid: row.failed }).then(
        (answer) => {
          if ('because' in answer) this.missed(epoch, answer.because)
        },
        () => this.missed(epoch, 'the pool of backends did not answer'),
      ),
    )
  }
}
