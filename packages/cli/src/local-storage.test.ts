import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate, registerKeys } from './catalogue.ts'
import type { Database } from './catalogue.ts'
import { hashKey, keysIn } from './keys.ts'
import { staticFile } from './static-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-storage-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** SQLite in memory behind the part of D1 that setting up uses. */
function openDatabase(): { database: Database; all: (sql: string) => Record<string, unknown>[] } {
  const sqlite = new DatabaseSync(':memory:')
  const bind = (sql: string, ...values: SQLInputValue[]) => ({
    run: async () => sqlite.prepare(sql).run(...values),
    all: async () => ({ results: sqlite.prepare(sql).all(...values) }),
  })
  return { database: { prepare: (sql) => ({ bind: (...values) => bind(sql, ...values) }) }, all: (sql) => sqlite.prepare(sql).all() }
}

test('keys are made once, for their owner’s eyes alone', async () => {
  const file = join(folder, 'data', 'keys.json')
  const keys = await keysIn(file)
  expect(await keysIn(file)).toEqual(keys)
  expect((await stat(file)).mode & 0o077).toBe(0)
  expect(new Set(Object.values(keys)).size).toBe(3)
  for (const broken of ['{"api":1}', '{"api', '']) {
    await writeFile(file, broken)
    await expect(keysIn(file), broken).rejects.toThrow(`${file} should hold the keys`)
  }
})

test('migrations run once each, in the order of their names; the catalogue holds hashes only', async () => {
  const { database, all } = openDatabase()
  const migrations = join(folder, 'migrations')
  await mkdir(migrations)
  await writeFile(join(migrations, '0001_b.sql'), "INSERT INTO tenants VALUES ('first', 'First', 0);")
  await writeFile(
    join(migrations, '0000_a.sql'),
    'CREATE TABLE tenants (id TEXT PRIMARY KEY, name TEXT, created_at INTEGER);--> statement-breakpoint\nCREATE TABLE keys (hash TEXT PRIMARY KEY, tenant TEXT, kind TEXT, name TEXT, created_at INTEGER);',
  )
  await migrate(database, migrations)
  await migrate(database, migrations)
  const keys = await keysIn(join(folder, 'keys.json'))
  await registerKeys(database, keys, 5)
  await registerKeys(database, keys, 6)
  expect(all('SELECT id FROM tenants ORDER BY id')).toEqual([{ id: 'first' }, { id: 'local' }])
  expect(all('SELECT hash, kind, created_at FROM keys ORDER BY kind')).toEqual([
    { hash: hashKey(keys.api), kind: 'api', created_at: 5 },
    { hash: hashKey(keys.backend), kind: 'backend', created_at: 5 },
  ])
})

test('files of the page are served, and nothing outside their folder', async () => {
  const site = join(folder, 'site')
  await mkdir(site)
  await writeFile(join(site, 'index.html'), 'hello')
  await writeFile(join(folder, 'secret.txt'), 'secret')
  expect(await staticFile([site], '/')).toMatchObject({ type: 'text/html; charset=utf-8' })
  for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/missing.js', '/%'])
    expect(await staticFile([site], path), path).toBeUndefined()
  expect(await readFile(join(folder, 'secret.txt'), 'utf8')).toBe('secret')
})
