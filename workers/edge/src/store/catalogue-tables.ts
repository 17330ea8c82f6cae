import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { ModelInfo } from '@fovea/protocol'

/** Who pays and who is kept apart: nothing of one tenant is visible to another. */
export const tenants = sqliteTable('tenants', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  createdAt: integer('created_at').notNull(),
  /** sessions that may be open at once; null: as many as the deployment says (MAX_SESSIONS) */
  maxSessions: integer('max_sessions'),
})

/** API keys and backend keys, as SHA-256 in hex; the key itself is shown once and never stored. */
export const keys = sqliteTable('keys', {
  hash: text('hash').primaryKey(),
  tenant: text('tenant')
    .notNull()
    .references(() => tenants.id),
  kind: text('kind', { enum: ['api', 'backend'] }).notNull(),
  name: text('name').notNull().default(''),
  createdAt: integer('created_at').notNull(),
  revokedAt: integer('revoked_at'),
})

/** Index of sessions; the truth of each one lives in its Durable Object. */
export const sessions = sqliteTable(
  'sessions',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant')
      .notNull()
      .references(() => tenants.id),
    name: text('name'),
    model: text('model'),
    resumeHash: text('resume_hash').notNull(),
    createdAt: integer('created_at').notNull(),
    endedAt: integer('ended_at'),
  },
  // Every new session counts the open ones of its tenant.
  (table) => [index('sessions_by_tenant').on(table.tenant, table.endedAt)],
)

/** Backends that have said `hello`; leases and load are the pool's. */
export const backends = sqliteTable('backends', {
  name: text('name').primaryKey(),
  models: text('models', { mode: 'json' }).$type<ModelInfo[]>().notNull(),
  capacity: integer('capacity').notNull(),
  helloAt: integer('hello_at').notNull(),
})

/** What a tenant used, by UTC day. */
export const usage = sqliteTable(
  'usage',
  {
    tenant: text('tenant').notNull(),
    day: text('day').notNull(),
    frames: integer('frames').notNull().default(0),
    asks: integer('asks').notNull().default(0),
    promptTokens: integer('prompt_tokens').notNull().default(0),
    answerTokens: integer('answer_tokens').notNull().default(0),
    heads: integer('heads').notNull().default(0),
    deviceMs: integer('device_ms').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.day] })],
)
