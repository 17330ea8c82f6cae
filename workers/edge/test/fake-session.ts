import { encodeFrame } from '@fovea/protocol'
import type { ClientMessage, EdgeMessage, FrameHeader, Limits, ToBackend } from '@fovea/protocol'
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { Session } from '../src/session/session.ts'
import type { SessionOptions } from '../src/session/session-options.ts'
import type { Attachment, SessionSocket } from '../src/session/socket.ts'
import { newSessionRow, SessionStore } from '../src/store/session-store.ts'

/** One end of a socket, in memory: keeps what was sent, and its attachment across evictions, as workerd does. */
export class FakeSocket implements SessionSocket {
  readonly sent: (string | ArrayBuffer | ArrayBufferView)[] = []
  closedWith: number | undefined
  #attachment: string | undefined

  send(message: string | ArrayBuffer | ArrayBufferView): void {
    if (this.closedWith !== undefined) throw new TypeError('The socket is closed.')
    this.sent.push(message)
  }

  close(code = 1000): void {
    this.closedWith ??= code
  }

  serializeAttachment(attachment: Attachment): void {
    const text = JSON.stringify(attachment)
    if (text.length > 16_384) throw new RangeError('An attachment holds at most 16,384 bytes.')
    this.#attachment = text
  }

  deserializeAttachment(): Attachment | null {
    return this.#attachment === undefined ? null : JSON.parse(this.#attachment)
  }

  get texts(): EdgeMessage[] {
    return this.sent.flatMap((message) => (typeof message === 'string' ? [JSON.parse(message)] : []))
  }

  get orders(): ToBackend[] {
    return this.sent.flatMap((message) => (typeof message === 'string' ? [JSON.parse(message)] : []))
  }

  get frames(): ArrayBuffer[] {
    return this.sent.filter((message): message is ArrayBuffer => message instanceof ArrayBuffer)
  }
}

/** A Session over a real store, with fake sockets, pool and clock: time moves when the test says so. */
export class FakeSession {
  session: Session
  time = 1_000_000
  readonly sockets: FakeSocket[] = []
  readonly leases: { epoch: number }[] = []
  readonly store: SessionStore
  alarmAt: number | undefined
  readonly #options: Pick<SessionOptions, 'limits' | 'runs'>

  constructor(store: SessionStore, options: Pick<SessionOptions, 'limits' | 'runs'> = {}) {
    this.store = store
    this.#options = options
    store.saveSession(newSessionRow({ id: 's_00000000000000000000000000', tenant: 'local', name: null, wants: null, createdAt: this.time }))
    this.session = this.#open()
  }

  /** The object is evicted: a new one over the same store and the sockets that live, or were closed by the edge and whose peer has not answered. */
  evict({ closing = [], unanswered = [] }: { closing?: FakeSocket[]; unanswered?: FakeSocket[] } = {}): void {
    for (const socket of closing) socket.close(1006)
    this.session = this.#open(unanswered)
  }

  owner(): FakeSocket {
    const socket = new FakeSocket()
    this.sockets.push(socket)
    this.session.connect(socket, 'owner')
    return socket
  }

  viewer(): FakeSocket {
    const socket = new FakeSocket()
    this.sockets.push(socket)
    this.session.connect(socket, 'viewer')
    return socket
  }

  /** The newest lease is taken up. */
  backend({ window = 2 } = {}): FakeSocket {
    const socket = this.dial()
    this.attached(socket, { window })
    return socket
  }

  /** A backend dials in and is told `session-open`; its answer is still to come. */
  dial(epoch = this.session.row.epoch): FakeSocket {
    const socket = new FakeSocket()
    this.sockets.push(socket)
    if (!this.session.backing.attach(socket, { backend: `b${epoch}`, epoch })) throw new Error('The assignment was fenced.')
    return socket
  }

  attached(socket: FakeSocket, { window = 2, epoch = this.session.row.epoch } = {}): void {
    this.session.message(socket, JSON.stringify({ type: 'session-attached', epoch, window, model: { name: 'fake', hash: 'h', tasks: ['region'] } }))
  }

  say(socket: FakeSocket, message: ClientMessage): void {
    this.session.message(socket, JSON.stringify(message))
  }

  frame(socket: FakeSocket, frame: number, verdictsRead: number, header: Partial<FrameHeader> = {}): void {
    this.session.message(
      socket,
      encodeFrame(
        { stream: 0, codec: 'jpeg', keep: false, width: 8, height: 8, mediaTime: frame * 33, receivedAt: 0, verdictsRead, ...header, frame },
        new Uint8Array(4),
      ).buffer,
    )
  }

  close(socket: FakeSocket): void {
    socket.close(1006)
    this.session.closed(socket)
  }

  /** Lets time pass, ringing the alarm when it is due. */
  pass(ms: number): void {
    const end = this.time + ms
    while (this.alarmAt !== undefined && this.alarmAt <= end) {
      this.time = Math.max(this.time, this.alarmAt)
      this.alarmAt = undefined
      this.session.upkeep.alarm()
    }
    this.time = end
  }

  #open(unanswered: readonly FakeSocket[] = []): Session {
    const alarmAt = () => this.alarmAt
    return new Session({
      row: this.store.session() ?? newSessionRow({ id: 's', tenant: 'local', name: null, wants: null, createdAt: 0 }),
      store: this.store,
      sockets: this.sockets.filter((socket) => socket.closedWith === undefined || unanswered.includes(socket)),
      now: () => this.time,
      alarm: {
        get at() {
          return alarmAt()
        },
        set: (at) => (this.alarmAt = at),
      },
      pool: {
        lease: async ({ epoch }) => {
          this.leases.push({ epoch })
          return { backend: `b${epoch}` }
        },
        wait: async () => undefined,
        release: async () => undefined,
      },
      background: (work) => void work,
      usage: () => undefined,
      ended: () => undefined,
      ...this.#options,
    })
  }
}

/** Runs a test over the storage of a fresh Durable Object. */
export function withStore<Result>(work: (store: SessionStore, clear: () => void) => Result | Promise<Result>): Promise<Result> {
  const stub = env.SESSION.getByName(`store-${crypto.randomUUID()}`)
  return runInDurableObject(stub, (_, state) => {
    const tables = ['session', 'events', 'asks', 'streams', 'watches', 'tracks', 'runs', 'tickets', 'deadlines']
    const clear = () => {
      for (const table of tables) state.storage.sql.exec(`DELETE FROM ${table}`)
    }
    return work(new SessionStore(state.storage), clear)
  })
}

export const SMALL: Limits = {
  maxFrameBytes: 1024,
  maxPixels: 1000,
  maxFps: 240,
  bytesPerSecond: 1e9,
  streams: 2,
  watches: 2,
  tracks: 2,
  asks: 2,
  asksPerMinute: 5,
  textLength: 100,
  logBytes: 4000,
  logAgeMs: 3_600_000,
}
