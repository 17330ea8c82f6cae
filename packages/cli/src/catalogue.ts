import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashKey } from './keys.ts'
import type { Keys } from './keys.ts'

/** The part of a D1 database that setting up needs. */
export type Database = {
  prepare(sql: string): { bind(...values: (string | number)[]): { run(): Promise<unknown>; all(): Promise<{ results: Record<string, unknown>[] }> } }
}

const TENANT = 'local'

/** Brings the catalogue of a local system up to date: each migration once, in the order of their names. */
export async function migrate(database: Database, folder: string): Promise<void> {
  const run = (sql: string, ...values: (string | number)[]) => database.prepare(sql).bind(...values)
  // The same bookkeeping as `wrangler d1 migrations apply`, so that either may go on where the other left off.
  await run(
    'CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
  ).run()
  const { results } = await run('SELECT name FROM d1_migrations').all()
  const applied = new Set(results.map(({ name }) => name))
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted()
  for (const name of files) {
    if (applied.has(name)) continue
    const sql = await readFile(join(folder, name), 'utf8')
    for (const statement of sql.split('--> statement-breakpoint')) if (statement.trim()) await run(statement).run()
    await run('INSERT INTO d1_migrations (name) VALUES (?)', name).run()
  }
}

/** Registers the local tenant and its two keys; the catalogue holds their hashes only. */
export async function registerKeys(database: Database, keys: Keys, now: number): Promise<void> {
  await database.prepare('INSERT OR IGNORE INTO tenants (id, name, created_at) VALUES (?, ?, ?)').bind(TENANT, 'Local', now).run()
  const rows: [string, string, string][] = [
    [keys.api, 'api', 'first key'],
    [keys.backend, 'backend', 'local backend'],
  ]
  for (const [key, kind, name] of rows) {
    await database
      .prepare('INSERT OR IGNORE INTO keys (hash, tenant, kind, name, created_at) VALUES (?, ?, ?, ?, ?)')
      .bind(hashKey(key), TENANT, kind, name, now)
      .run()
  }
}
