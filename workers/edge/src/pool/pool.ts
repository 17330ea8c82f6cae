import { FromPoolMember } from '@fovea/protocol'
import type { Hello, Load, ToPoolMember } from '@fovea/protocol'
import type { z } from 'zod'
import type { PoolStore } from '../store/pool-store.ts'

/** What a backend's control socket remembers across hibernation. */
export type MemberAttachment = { key: string; origin: string; hello: z.infer<typeof Hello> | null; load: z.infer<typeof Load> | null; heardAt: number }

export interface MemberSocket {
  /** 1 while it is open */
  readonly readyState: number
  send(message: string): void
  close(code?: number, reason?: string): void
  serializeAttachment(attachment: MemberAttachment): void
  deserializeAttachment(): MemberAttachment | null
}

export type LeaseRequest = { session: string; epoch: number; wants: string | null; avoid: string | null }

export type MemberInfo = {
  backend: string
  models: z.infer<typeof Hello>['models']
  capacity: number
  sessions: number
  modelThread: z.infer<typeof Load>['modelThread']
}

type Options = {
  store: PoolStore
  sockets: () => Iterable<MemberSocket>
  now: () => number
  ticket: (session: string, epoch: number, backend: string) => Promise<{ ticket: string; expiresAt: number }>
  /** tells sessions */
  refused: (session: string, epoch: number, because: string) => void
  available: (session: string) => void
  saw: (hello: z.infer<typeof Hello>) => void
}

/** An assignment is to be taken up within this time. */
const ASSIGN_MS = 5000
const OPEN = 1
/** Backends report their load every second; one that is silent for so long is not leased. */
const SILENT_MS = 15_000
/** So many waiting sessions are told at one `hello`. */
const TOLD_AT_ONCE = 200

/** Knows the backends and who holds which session. Plain TypeScript; leases are in the store, members are their sockets. */
export class Pool {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** A control socket has been accepted. */
  connect(socket: MemberSocket, about: { key: string; origin: string }): void {
    socket.serializeAttachment({ ...about, hello: null, load: null, heardAt: this.#options.now() })
  }

  message(socket: MemberSocket, data: string | ArrayBuffer): void {
    const attachment = socket.deserializeAttachment()
    const parsed = FromPoolMember.safeParse(typeof data === 'string' ? parseJson(data) : undefined)
    if (!attachment || !parsed.success) return
    const message = parsed.data
    switch (message.type) {
      case 'hello':
        // The same backend has started anew: its older socket is a leftover.
        for (const other of this.#options.sockets()) {
          if (other !== socket && other.deserializeAttachment()?.hello?.backend === message.backend) closeQuietly(other)
        }
        socket.serializeAttachment({ ...attachment, hello: message, load: null, heardAt: this.#options.now() })
        this.#options.saw(message)
        return this.#callWaiting(message.capacity)
      case 'load':
        socket.serializeAttachment({ ...attachment, load: message, heardAt: this.#options.now() })
        if (message.modelThread === 'ready' && attachment.hello) this.#callWaiting(attachment.hello.capacity - message.sessions)
        return
      case 'refused':
        this.#options.store.release(message.session, message.epoch)
        return this.#options.refused(message.session, message.epoch, message.because)
    }
  }

  /** Tells a backend to dial the session: of two that hold the model and have room, the less loaded [EP1]. Where none can, the session is told at the next `hello`. */
  async lease({ session, epoch, wants, avoid }: LeaseRequest): Promise<{ backend: string } | { because: string }> {
    const { store, now } = this.#options
    const fitting = this.#members().filter(
      ({ hello, sessions, load }) =>
        sessions < hello.capacity && load?.modelThread !== 'hung' && (wants === null || hello.models.some((model) => model.name === wants)),
    )
    const others = fitting.filter(({ hello }) => hello.backend !== avoid)
    const [first, second] = shuffle(others.length > 0 ? others : fitting)
    const chosen = first && second && second.sessions / second.hello.capacity < first.sessions / first.hello.capacity ? second : first
    if (!chosen) {
      store.wait(session, now())
      return { because: this.#members().length === 0 ? 'no backend is connected' : 'no connected backend has room and the model' }
    }
    const backend = chosen.hello.backend
    const { ticket } = await this.#options.ticket(session, epoch, backend)
    store.lease({ session, epoch, backend, at: now() })
    const assign: ToPoolMember = {
      type: 'assign',
      session,
      epoch,
      url: `${chosen.origin}/internal/sessions/${session}/attach`,
      ticket,
      deadline: now() + ASSIGN_MS,
    }
    try {
      chosen.socket.send(JSON.stringify(assign))
    } catch {
      store.release(session, epoch)
      return { because: `backend ${backend} is closing` }
    }
    return { backend }
  }

  wait(session: string): void {
    this.#options.store.wait(session, this.#options.now())
  }

  release(session: string): void {
    this.#options.store.release(session)
  }

  members(): MemberInfo[] {
    return this.#members().map(({ hello, sessions, load }) => ({
      backend: hello.backend,
      models: hello.models,
      capacity: hello.capacity,
      sessions,
      modelThread: load?.modelThread ?? 'starting',
    }))
  }

  /** Tells those who have waited longest that there is room for so many. */
  #callWaiting(room: number): void {
    if (room <= 0) return
    for (const session of this.#options.store.takeWaiting(Math.min(room, TOLD_AT_ONCE))) this.#options.available(session)
  }

  /** A backend's own count is the truth; what was leased since it last told it comes on top. */
  #members() {
    return Array.from(this.#options.sockets()).flatMap((socket) => {
      const attachment = socket.deserializeAttachment()
      // A closing socket is still listed, and a backend whose machine vanished never says so: it has only fallen silent.
      if (socket.readyState !== OPEN || !attachment?.hello || this.#options.now() - attachment.heardAt > SILENT_MS) return []
      const { hello, load, origin, heardAt } = attachment
      return [{ socket, hello, load, origin, sessions: (load?.sessions ?? 0) + this.#options.store.leasedSince(hello.backend, heardAt) }]
    })
  }
}

function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

function closeQuietly(socket: MemberSocket): void {
  try {
    socket.close(4001, 'the same backend has connected again')
  } catch {
    return
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
