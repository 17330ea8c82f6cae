import { and, asc, count, eq, gte } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/durable-sqlite'
import type { DrizzleSqliteDODatabase } from 'drizzle-orm/durable-sqlite'
import { leases, waiting } from './pool-tables.ts'

/** The pool's own SQLite: who holds which session, and who waits for a backend. */
export class PoolStore {
  readonly #db: DrizzleSqliteDODatabase

  constructor(storage: DurableObjectStorage) {
    this.#db = drizzle(storage)
  }

  lease(row: typeof leases.$inferSelect): void {
    this.#db.insert(leases).values(row).onConflictDoUpdate({ target: leases.session, set: row }).run()
    this.#db.delete(waiting).where(eq(waiting.session, row.session)).run()
  }

  /** Ends a lease; with an epoch only where it is still that one. */
  release(session: string, epoch?: number): void {
    this.#db
      .delete(leases)
      .where(epoch === undefined ? eq(leases.session, session) : and(eq(leases.session, session), eq(leases.epoch, epoch)))
      .run()
    if (epoch === undefined) this.#db.delete(waiting).where(eq(waiting.session, session)).run()
  }

  /** Sessions that a backend was told to take since then. */
  leasedSince(backend: string, at: number): number {
    return (
      this.#db
        .select({ sessions: count() })
        .from(leases)
        .where(and(eq(leases.backend, backend), gte(leases.at, at)))
        .get()?.sessions ?? 0
    )
  }

  wait(session: string, at: number): void {
    this.#db.insert(waiting).values({ session, at }).onConflictDoNothing().run()
  }

  /** Takes out those who have waited longest. */
  takeWaiting(limit: number): string[] {
    const rows = this.#db.select().from(waiting).orderBy(asc(waiting.at)).limit(limit).all()
    for (const { session } of rows) this.#db.delete(waiting).where(eq(waiting.session, session)).run()
    return rows.map(({ session }) => session)
  }
}
