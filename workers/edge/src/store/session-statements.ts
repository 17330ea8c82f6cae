import { eq, sql } from 'drizzle-orm'
import type { DrizzleSqliteDODatabase } from 'drizzle-orm/durable-sqlite'
import { asks, deadlines, events } from './session-tables.ts'

const given = (name: string) => sql.placeholder(name)

/** The statements that run with every word of an answer: built once, as building one costs many times what running it does. */
export function sessionStatements(database: DrizzleSqliteDODatabase) {
  return {
    addEvent: database
      .insert(events)
      .values({ seq: given('seq'), at: given('at'), ask: given('ask'), evidence: given('evidence'), bytes: given('bytes'), body: given('body') })
      .prepare(),
    saveAskText: database
      .update(asks)
      .set({ text: sql`${given('text')}` })
      .where(eq(asks.id, given('id')))
      .prepare(),
    findAsk: database
      .select()
      .from(asks)
      .where(eq(asks.id, given('id')))
      .prepare(),
    setDeadline: database
      .insert(deadlines)
      .values({ kind: given('kind'), key: given('key'), due: given('due') })
      .onConflictDoUpdate({ target: [deadlines.kind, deadlines.key], set: { due: sql`excluded.due` } })
      .prepare(),
  }
}
