import type { AskBody, AskResult, Evidence, SessionInfo } from '@fovea/protocol'
import { DurableObject } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/durable-sqlite'
import { migrate } from 'drizzle-orm/durable-sqlite/migrator'
import type { Bindings } from '../bindings.ts'
import migrations from '../store/migrations/session/migrations.js'
import { newSessionRow, SessionStore } from '../store/session-store.ts'
import type { SessionRow } from '../store/session-store.ts'
import { answerRequest } from './session-requests.ts'
import type { Alarm } from './deadlines.ts'
import { outcomeLater, outcomeOf } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { runToEnd } from './run-to-end.ts'
import type { RunStart } from './run-to-end.ts'
import { obeyRun } from './runs.ts'
import type { RunMessage } from './runs.ts'
import { Session } from './session.ts'
import { surroundings } from './surroundings.ts'
import type { z } from 'zod'

/** The Durable Object door of a session: hands sockets, storage, alarm and calls to the Session behind it. */
export class SessionObject extends DurableObject<Bindings> {
  readonly #store = new SessionStore(this.ctx.storage)
  #session: Session | undefined
  #alarmAt: number | undefined

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env)
    void state.blockConcurrencyWhile(async () => {
      await migrate(drizzle(state.storage), migrations)
      this.#alarmAt = (await state.storage.getAlarm()) ?? undefined
      const row = this.#store.session()
      if (row) this.#session = this.#open(row)
    })
  }

  /** Called once, when the session is created; a repeat changes nothing. */
  create(about: { id: string; tenant: string; name: string | null; wants: string | null; createdAt: number }): void {
    if (this.#session) return
    const row = newSessionRow(about)
    this.#store.saveSession(row)
    this.#session = this.#open(row)
    this.#session.log.append({ type: 'session-started', session: row.id })
    this.#session.upkeep.watchIdle()
  }

  /** Sockets and event streams. */
  override async fetch(request: Request): Promise<Response> {
    if (!this.#session) return new Response(null, { status: 404 })
    return answerRequest(new URL(request.url), this.#session, this.#store, (use, protocol) => this.#accept(use, protocol))
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#session?.message(socket, message)
  }

  override webSocketClose(socket: WebSocket): void {
    this.#session?.closed(socket)
  }

  override webSocketError(socket: WebSocket): void {
    this.#session?.closed(socket)
  }

  override alarm(): void {
    this.#alarmAt = undefined
    this.#session?.upkeep.alarm()
  }

  info(): z.infer<typeof SessionInfo> | undefined {
    const session = this.#session
    if (!session) return undefined
    const { id, name, epoch, createdAt } = session.row
    return { session: id, ...(name !== null && { name }), state: session.state, epoch, seq: session.log.last, createdAt }
  }

  /** Starts an ask, or finds it again; its events are at `/events?ask=`. */
  startAsk(body: AskBody): Outcome<void> {
    return outcomeOf(() => this.#live().asks.start(body))
  }

  /** Starts an ask, or finds it again, and waits for its end. */
  ask(body: AskBody): Promise<Outcome<AskResult>> {
    return outcomeLater(async () => {
      const { ask: id, ...rest } = body
      const { text, ...options } = rest
      const { ask, ...result } = await this.#live().vision.ask(text, { id, ...options })
      return { ask, ...result }
    })
  }

  cancelAsk(ask: string): Outcome<void> {
    return outcomeOf(() => this.#live().asks.cancel(ask))
  }

  askResult(ask: string): { known: boolean; result?: AskResult } {
    const asks = this.#session?.asks
    return { known: asks?.has(ask) ?? false, result: asks?.result(ask) }
  }

  /** Starts a turn or workflow, or finds it again; its events come after the number that this gives, at `/events?run=`. */
  startRun(message: RunStart): Outcome<number> {
    return outcomeOf(() => {
      const session = this.#live()
      const before = session.log.last
      obeyRun(session, message)
      return session.log.last > before ? before : 0
    })
  }

  /** Starts a turn or workflow, or finds it again, and waits for its end; its outcome as JSON, which may be of any depth. */
  runToEnd(message: RunStart): Promise<Outcome<string>> {
    return outcomeLater(async () => {
      const { type: _, seq: __, at: ___, ...result } = await runToEnd(this.#live(), message)
      return JSON.stringify(result)
    })
  }

  cancelRun(message: Extract<RunMessage, { type: 'turn-cancel' | 'workflow-cancel' }>): Outcome<void> {
    return outcomeOf(() => obeyRun(this.#live(), message))
  }

  evidence(id: string): Evidence | undefined {
    return this.#session?.asks.recall(id)
  }

  /** The evidence drawn over its frame, as PNG. */
  picture(evidence: Evidence): Promise<Outcome<ArrayBuffer>> {
    return outcomeLater(() => this.#live().pictures.fetch({ stream: evidence.stream, frame: evidence.frame, evidence: evidence.id }))
  }

  end(because: string): void {
    this.#session?.end(because)
  }

  leaseRefused(epoch: number, because: string): void {
    this.#session?.backing.missed(epoch, because)
  }

  backendAvailable(): void {
    this.#session?.backing.available()
  }

  #live(): Session {
    if (!this.#session) throw new Error('This session was never created.')
    return this.#session
  }

  #accept(use: (socket: WebSocket) => void, protocol?: string): Response {
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    use(server)
    return new Response(null, { status: 101, webSocket: client, headers: protocol ? { 'sec-websocket-protocol': protocol } : {} })
  }

  #open(row: SessionRow): Session {
    const { ctx, env } = this
    const alarmAt = () => this.#alarmAt
    const alarm: Alarm = {
      get at() {
        return alarmAt()
      },
      set: (at) => {
        this.#alarmAt = at
        void ctx.storage.setAlarm(at)
      },
    }
    return new Session({
      row,
      alarm,
      store: this.#store,
      sockets: ctx.getWebSockets(),
      now: () => Date.now(),
      ...surroundings(env, row, (work) => ctx.waitUntil(work)),
    })
  }
}
