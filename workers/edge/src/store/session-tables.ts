import type { AskBody, AskEvent, ModelInfo, SessionEvent, StreamBody, TrackBody, TrackLife, WatchBody } from '@fovea/protocol'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { StreamCounters } from '../session/frame-gate.ts'

/** The session itself: one row. */
export const session = sqliteTable('session', {
  id: text('id').primaryKey(),
  tenant: text('tenant').notNull(),
  name: text('name'),
  wants: text('wants'),
  createdAt: integer('created_at').notNull(),
  phase: text('phase', { enum: ['idle', 'attaching', 'live', 'degraded', 'ended'] }).notNull(),
  epoch: integer('epoch').notNull(),
  /** leases tried since the last backend that attached */
  tries: integer('tries').notNull(),
  /** backend that failed last: the next lease looks elsewhere first */
  failed: text('failed'),
  backend: text('backend'),
  model: text('model', { mode: 'json' }).$type<ModelInfo>(),
})

/** The event log [EV1]. */
export const events = sqliteTable(
  'events',
  {
    seq: integer('seq').primaryKey(),
    at: integer('at').notNull(),
    ask: text('ask'),
    evidence: text('evidence'),
    bytes: integer('bytes').notNull(),
    body: text('body').notNull(),
  },
  (table) => [index('events_ask').on(table.ask), index('events_evidence').on(table.evidence)],
)

/** Asks, kept beyond their events so that no id runs twice [AS1]. */
export const asks = sqliteTable('asks', {
  id: text('id').primaryKey(),
  at: integer('at').notNull(),
  body: text('body', { mode: 'json' }).$type<AskBody>().notNull(),
  /** true once a backend has it */
  sent: integer('sent', { mode: 'boolean' }).notNull(),
  text: text('text').notNull(),
  evidence: text('evidence', { mode: 'json' }).$type<string[]>().notNull(),
  outcome: text('outcome', { mode: 'json' }).$type<Extract<AskEvent, { type: 'answer-ended' }>>(),
})

/** Streams. Counters stand here only while no owner socket carries them [SE5]. */
export const streams = sqliteTable('streams', {
  stream: integer('stream').primaryKey(),
  body: text('body', { mode: 'json' }).$type<StreamBody>().notNull(),
  paused: integer('paused', { mode: 'boolean' }).notNull(),
  closed: integer('closed', { mode: 'boolean' }).notNull(),
  counters: text('counters', { mode: 'json' }).$type<StreamCounters>(),
})

/** Watches that stand; one that is stopped leaves nothing. */
export const watches = sqliteTable('watches', {
  id: text('id').primaryKey(),
  body: text('body', { mode: 'json' }).$type<WatchBody>().notNull(),
})

/** Tracks; their ids are never used again [TR2]: of one that has ended its id stays, and an empty body. */
export const tracks = sqliteTable('tracks', {
  id: text('id').primaryKey(),
  body: text('body', { mode: 'json' }).$type<TrackBody>().notNull(),
  life: text('life').$type<TrackLife>().notNull(),
})

/** Turns and workflow runs: what was asked, how far it is, how it ended. */
export const runs = sqliteTable('runs', {
  id: text('id').primaryKey(),
  kind: text('kind', { enum: ['turn', 'workflow'] }).notNull(),
  at: integer('at').notNull(),
  body: text('body', { mode: 'json' }).$type<unknown>().notNull(),
  state: text('state', { mode: 'json' }).$type<unknown>(),
  outcome: text('outcome', { mode: 'json' }).$type<SessionEvent>(),
})

/** Tickets that were used: kept until they would have expired anyway [SE1]. */
export const tickets = sqliteTable('tickets', { id: text('id').primaryKey(), expires: integer('expires').notNull() })

/** Every wait of the session, behind one alarm [SE5]. */
export const deadlines = sqliteTable('deadlines', { kind: text('kind').notNull(), key: text('key').notNull(), due: integer('due').notNull() }, (table) => [
  primaryKey({ columns: [table.kind, table.key] }),
])
