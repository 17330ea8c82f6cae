import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** Sessions that a backend holds or was asked to hold. */
export const leases = sqliteTable('leases', {
  session: text('session').primaryKey(),
  epoch: integer('epoch').notNull(),
  backend: text('backend').notNull(),
  at: integer('at').notNull(),
})

/** Sessions that found no backend and are told at the next `hello`. */
export const waiting = sqliteTable('waiting', { session: text('session').primaryKey(), at: integer('at').notNull() })
