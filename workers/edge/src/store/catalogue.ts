import type { ModelInfo } from '@fovea/protocol'
import { and, desc, eq, gte, isNull, lt, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { DrizzleD1Database } from 'drizzle-orm/d1'
import type { UsageDelta } from '../session/usage-count.ts'
import { backends, keys, sessions, tenants, usage } from './catalogue-tables.ts'

export type KeyRow = typeof keys.$inferSelect
export type CatalogueSession = typeof sessions.$inferSelect
export type UsageRow = typeof usage.$inferSelect

/** The catalogue in D1: who may, what exists, what was used. */
export class Catalogue {
  readonly #db: DrizzleD1Database

  constructor(database: D1Database) {
    this.#db = drizzle(database)
  }

  async key(hash: string): Promise<KeyRow | undefined> {
    return this.#db
      .select()
      .from(keys)
      .where(and(eq(keys.hash, hash), isNull(keys.revokedAt)))
      .get()
  }

  async addTenant(id: string, name: string, now: number): Promise<void> {
    await this.#db.insert(tenants).values({ id, name, createdAt: now }).onConflictDoNothing().run()
  }

  async addKey(row: Pick<KeyRow, 'hash' | 'tenant' | 'kind' | 'name'>, now: number): Promise<void> {
    await this.#db
      .insert(keys)
      .values({ ...row, createdAt: now, revokedAt: null })
      .onConflictDoNothing()
      .run()
  }

  /** Counts and adds in one statement, so that requests that come together cannot pass the limit together. Says how many were open where it was full. */
  async addSession(
    { id, tenant, name, model, resumeHash, createdAt }: Omit<CatalogueSession, 'endedAt'>,
    most: number,
  ): Promise<{ full: false } | { full: true; limit: number }> {
    const open = sql`(SELECT count(*) FROM ${sessions} WHERE ${sessions.tenant} = ${tenant} AND ${sessions.endedAt} IS NULL)`
    const limit = sql`coalesce((SELECT ${tenants.maxSessions} FROM ${tenants} WHERE ${tenants.id} = ${tenant}), ${most})`
    const { meta } = await this.#db.run(
      sql`INSERT INTO ${sessions} (id, tenant, name, model, resume_hash, created_at) SELECT ${id}, ${tenant}, ${name}, ${model}, ${resumeHash}, ${createdAt} WHERE ${open} < ${limit}`,
    )
    if (meta.changes > 0) return { full: false }
    const row = await this.#db.select({ own: tenants.maxSessions }).from(tenants).where(eq(tenants.id, tenant)).get()
    return { full: true, limit: row?.own ?? most }
  }

  /** Sessions that may be open at once for this tenant; null: as many as the deployment says. */
  async limitSessions(tenant: string, maxSessions: number | null): Promise<void> {
    await this.#db.update(tenants).set({ maxSessions }).where(eq(tenants.id, tenant)).run()
  }

  async session(id: string): Promise<CatalogueSession | undefined> {
    return this.#db.select().from(sessions).where(eq(sessions.id, id)).get()
  }

  async endSession(id: string, now: number): Promise<void> {
    await this.#db
      .update(sessions)
      .set({ endedAt: now })
      .where(and(eq(sessions.id, id), isNull(sessions.endedAt)))
      .run()
  }

  /** Newest first; `before` continues a list. */
  async sessions(tenant: string, { before, open, limit }: { before?: number; open: boolean; limit: number }): Promise<CatalogueSession[]> {
    const which = and(
      eq(sessions.tenant, tenant),
      before === undefined ? undefined : lt(sessions.createdAt, before),
      open ? isNull(sessions.endedAt) : undefined,
    )
    return this.#db.select().from(sessions).where(which).orderBy(desc(sessions.createdAt)).limit(limit).all()
  }

  async sawBackend(name: string, models: ModelInfo[], capacity: number, now: number): Promise<void> {
    const row = { name, models, capacity, helloAt: now }
    await this.#db.insert(backends).values(row).onConflictDoUpdate({ target: backends.name, set: row }).run()
  }

  async addUsage(tenant: string, now: number, delta: UsageDelta): Promise<void> {
    const more = (column: keyof UsageDelta) => sql`${usage[column]} + ${delta[column]}`
    await this.#db
      .insert(usage)
      .values({ tenant, day: dayOf(now), ...delta })
      .onConflictDoUpdate({
        target: [usage.tenant, usage.day],
        set: {
          frames: more('frames'),
          asks: more('asks'),
          promptTokens: more('promptTokens'),
          answerTokens: more('answerTokens'),
          heads: more('heads'),
          deviceMs: more('deviceMs'),
        },
      })
      .run()
  }

  async usageSince(tenant: string, since: number): Promise<UsageRow[]> {
    return this.#db
      .select()
      .from(usage)
      .where(and(eq(usage.tenant, tenant), gte(usage.day, dayOf(since))))
      .orderBy(usage.day)
      .all()
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
