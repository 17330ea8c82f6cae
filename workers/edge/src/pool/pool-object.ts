import { DurableObject } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/durable-sqlite'
import { migrate } from 'drizzle-orm/durable-sqlite/migrator'
import type { Bindings } from '../bindings.ts'
import { Tickets } from '../session/tickets.ts'
import { Catalogue } from '../store/catalogue.ts'
import migrations from '../store/migrations/pool/migrations.js'
import { PoolStore } from '../store/pool-store.ts'
import { Pool } from './pool.ts'
import type { LeaseRequest, MemberInfo } from './pool.ts'

/** The Durable Object door of the pool. There is one. */
export class PoolObject extends DurableObject<Bindings> {
  readonly #pool: Pool

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env)
    void state.blockConcurrencyWhile(() => migrate(drizzle(state.storage), migrations))
    const tickets = new Tickets(env.TICKET_SECRET)
    const session = (id: string) => env.SESSION.getByName(id)
    this.#pool = new Pool({
      store: new PoolStore(state.storage),
      sockets: () => state.getWebSockets(),
      now: () => Date.now(),
      ticket: (id, epoch, backend) => tickets.forBackend(id, epoch, backend, Date.now()),
      refused: (id, epoch, because) => state.waitUntil(session(id).leaseRefused(epoch, because)),
      available: (id) => state.waitUntil(session(id).backendAvailable()),
      saw: ({ backend, models, capacity }) => state.waitUntil(new Catalogue(env.DB).sawBackend(backend, models, capacity, Date.now())),
    })
  }

  /** A backend's control socket; the Worker has checked its key. */
  override async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    this.#pool.connect(server, { key: url.searchParams.get('key') ?? '', origin: url.searchParams.get('origin') ?? '' })
    return new Response(null, { status: 101, webSocket: client })
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#pool.message(socket, message)
  }

  override webSocketClose(socket: WebSocket): void {
    // Answered by the runtime; a closed socket is no member any more.
    socket.serializeAttachment(null)
  }

  lease(request: LeaseRequest): Promise<{ backend: string } | { because: string }> {
    return this.#pool.lease(request)
  }

  wait(session: string): void {
    this.#pool.wait(session)
  }

  release(session: string): void {
    this.#pool.release(session)
  }

  members(): MemberInfo[] {
    return this.#pool.members()
  }
}
