import type { AskEvent, ModelInfo, SessionEvent, StreamBody, TrackBody, TrackLife, WatchBody } from '@fovea/protocol'
import { and, asc, desc, eq, gt, isNotNull, isNull, lt, lte, max, min, ne, sql, sum } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/durable-sqlite'
import type { DrizzleSqliteDODatabase } from 'drizzle-orm/durable-sqlite'
import type { StreamCounters } from '../session/frame-gate.ts'
import { sessionStatements } from './session-statements.ts'
import { asks, deadlines, events, runs, session, streams, tickets, tracks, watches } from './session-tables.ts'

export type SessionRow = typeof session.$inferSelect
export type AskRow = typeof asks.$inferSelect
export type StreamRow = typeof streams.$inferSelect
export type RunRow = typeof runs.$inferSelect
export type StoredEvent = { seq: number; body: string }
export type Deadline = typeof deadlines.$inferSelect
export type Ended = Extract<AskEvent, { type: 'answer-ended' }>

/** A session's own SQLite, one method a question. Synchronous, as Durable Object storage is. */
export class SessionStore {
  readonly #db: DrizzleSqliteDODatabase

  readonly #hot: ReturnType<typeof sessionStatements>

  constructor(storage: DurableObjectStorage) {
    this.#db = drizzle(storage)
    this.#hot = sessionStatements(this.#db)
  }

  /** All of it or nothing. */
  atomically<Result>(work: () => Result): Result {
    return this.#db.transaction(() => work())
  }

  session(): SessionRow | undefined {
    return this.#db.select().from(session).get()
  }

  saveSession(row: SessionRow): void {
    this.#db.insert(session).values(row).onConflictDoUpdate({ target: session.id, set: row }).run()
  }

  // Events

  addEvent(event: SessionEvent, body: string): void {
    this.#hot.addEvent.run({
      seq: event.seq,
      at: event.at,
      ask: 'ask' in event ? event.ask : null,
      evidence: event.type === 'head-result' ? event.evidence.id : null,
      bytes: body.length,
      body,
    })
  }

  eventsAfter(seq: number, limit: number): StoredEvent[] {
    return this.#db.select({ seq: events.seq, body: events.body }).from(events).where(gt(events.seq, seq)).orderBy(asc(events.seq)).limit(limit).all()
  }

  askEventsAfter(ask: string, seq: number, limit: number): StoredEvent[] {
    return this.#db
      .select({ seq: events.seq, body: events.body })
      .from(events)
      .where(and(eq(events.ask, ask), gt(events.seq, seq)))
      .orderBy(asc(events.seq))
      .limit(limit)
      .all()
  }

  evidenceEvent(evidence: string): StoredEvent | undefined {
    return this.#db.select({ seq: events.seq, body: events.body }).from(events).where(eq(events.evidence, evidence)).get()
  }

  evidenceEvents(ask: string): StoredEvent[] {
    return this.#db
      .select({ seq: events.seq, body: events.body })
      .from(events)
      .where(and(eq(events.ask, ask), isNotNull(events.evidence)))
      .orderBy(asc(events.seq))
      .all()
  }

  logExtent(): { first: number; last: number; bytes: number; newestAt: number } {
    const row = this.#db
      .select({ first: min(events.seq), last: max(events.seq), bytes: sum(events.bytes).mapWith(Number), newestAt: max(events.at) })
      .from(events)
      .get()
    return { first: row?.first ?? 0, last: row?.last ?? 0, bytes: row?.bytes ?? 0, newestAt: row?.newestAt ?? 0 }
  }

  /** Sizes and times of the oldest events. */
  oldestEvents(limit: number): { seq: number; at: number; bytes: number }[] {
    return this.#db.select({ seq: events.seq, at: events.at, bytes: events.bytes }).from(events).orderBy(asc(events.seq)).limit(limit).all()
  }

  removeEventsThrough(seq: number): void {
    this.#db.delete(events).where(lte(events.seq, seq)).run()
  }

  // Asks

  ask(id: string): AskRow | undefined {
    return this.#hot.findAsk.get({ id })
  }

  addAsk(row: AskRow): void {
    this.#db.insert(asks).values(row).run()
  }

  saveAsk(id: string, change: Partial<Pick<AskRow, 'sent' | 'text' | 'evidence'>> & { outcome?: Ended }): void {
    this.#db.update(asks).set(change).where(eq(asks.id, id)).run()
  }

  saveAskText(id: string, text: string): void {
    this.#hot.saveAskText.run({ id, text })
  }

  runningAsks(): AskRow[] {
    return this.#db.select().from(asks).where(isNull(asks.outcome)).orderBy(asc(asks.at)).all()
  }

  endedAsks(limit: number): AskRow[] {
    return this.#db.select().from(asks).where(isNotNull(asks.outcome)).orderBy(desc(asks.at)).limit(limit).all().toReversed()
  }

  removeAsksBefore(at: number): void {
    this.#db
      .delete(asks)
      .where(and(isNotNull(asks.outcome), lt(asks.at, at)))
      .run()
  }

  // Streams, watches, tracks

  streams(): StreamRow[] {
    return this.#db.select().from(streams).orderBy(asc(streams.stream)).all()
  }

  addStream(body: StreamBody): void {
    this.#db.insert(streams).values({ stream: body.stream, body, paused: false, closed: false, counters: null }).run()
  }

  saveStream(stream: number, change: Partial<Pick<StreamRow, 'paused' | 'closed'>> & { counters?: StreamCounters | null }): void {
    this.#db.update(streams).set(change).where(eq(streams.stream, stream)).run()
  }

  watches(): WatchBody[] {
    return this.#db
      .select({ body: watches.body })
      .from(watches)
      .all()
      .map(({ body }) => body)
  }

  addWatch(body: WatchBody): void {
    this.#db.insert(watches).values({ id: body.watch, body }).onConflictDoUpdate({ target: watches.id, set: { body } }).run()
  }

  endWatch(id: string): void {
    this.#db.delete(watches).where(eq(watches.id, id)).run()
  }

  /** Tracks that have not ended. */
  tracks(): { body: TrackBody; life: TrackLife }[] {
    return this.#db.select({ body: tracks.body, life: tracks.life }).from(tracks).where(ne(tracks.life, 'ended')).all()
  }

  endedTracks(): string[] {
    return this.#db
      .select({ id: tracks.id })
      .from(tracks)
      .where(eq(tracks.life, 'ended'))
      .all()
      .map(({ id }) => id)
  }

  addTrack(body: TrackBody): void {
    this.#db.insert(tracks).values({ id: body.track, body, life: 'tentative' }).run()
  }

  saveTrack(id: string, life: Exclude<TrackLife, 'ended'>): void {
    this.#db.update(tracks).set({ life }).where(eq(tracks.id, id)).run()
  }

  /** A prompt may be a large mask: nobody starts from it any more. */
  endTrack(id: string): void {
    this.#db
      .update(tracks)
      .set({ life: 'ended', body: sql`'{}'` })
      .where(eq(tracks.id, id))
      .run()
  }

  // Turns and workflow runs

  run(id: string): RunRow | undefined {
    return this.#db.select().from(runs).where(eq(runs.id, id)).get()
  }

  addRun(row: Pick<RunRow, 'id' | 'kind' | 'at' | 'body'>): void {
    this.#db
      .insert(runs)
      .values({ ...row, state: null, outcome: null })
      .run()
  }

  saveRun(id: string, change: { state?: unknown; outcome?: SessionEvent }): void {
    this.#db.update(runs).set(change).where(eq(runs.id, id)).run()
  }

  runningRuns(): RunRow[] {
    return this.#db.select().from(runs).where(isNull(runs.outcome)).orderBy(asc(runs.at)).all()
  }

  endedRuns(limit: number): RunRow[] {
    return this.#db.select().from(runs).where(isNotNull(runs.outcome)).orderBy(desc(runs.at)).limit(limit).all().toReversed()
  }

  /** Those that ended before. */
  removeRunsBefore(at: number): void {
    this.#db
      .delete(runs)
      .where(and(lt(runs.at, at), isNotNull(runs.outcome), sql`json_extract(${runs.outcome}, '$.at') < ${at}`))
      .run()
  }

  /** All that an ended session no longer needs: its row, its log and what it waits for stay. */
  clear(): void {
    for (const table of [asks, streams, watches, tracks, runs, tickets]) this.#db.delete(table).run()
  }

  // Tickets and deadlines

  /** True the first time an id comes, until it expires; false ever after. Forgets what has expired. */
  useTicket(id: string, expires: number, now: number): boolean {
    if (expires < now) return false
    this.#db.delete(tickets).where(lt(tickets.expires, now)).run()
    if (this.#db.select().from(tickets).where(eq(tickets.id, id)).get()) return false
    this.#db.insert(tickets).values({ id, expires }).run()
    return true
  }

  deadlines(): Deadline[] {
    return this.#db.select().from(deadlines).orderBy(asc(deadlines.due)).all()
  }

  setDeadline(deadline: Deadline): void {
    this.#hot.setDeadline.run(deadline)
  }

  clearDeadline(kind: string, key: string): void {
    this.#db
      .delete(deadlines)
      .where(and(eq(deadlines.kind, kind), eq(deadlines.key, key)))
      .run()
  }
}

/** A session's row at its birth. */
export function newSessionRow(about: { id: string; tenant: string; name: string | null; wants: string | null; createdAt: number }): SessionRow {
  const model: ModelInfo | null = null
  return { ...about, phase: 'idle', epoch: 0, tries: 0, failed: null, backend: null, model }
}
