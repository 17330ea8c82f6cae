import { encodeFrame, FINAL_CLOSES, SUBPROTOCOL } from '@fovea/protocol'
import type { ClientMessage, EdgeMessage, FrameHeader, SessionCreated } from '@fovea/protocol'
import { env, exports } from 'cloudflare:workers'
import { hashKey } from '../src/auth.ts'
import { Catalogue } from '../src/store/catalogue.ts'
import { ScriptedBackend } from './scripted-backend.ts'
import type { BackendSocket, Script } from './scripted-backend.ts'

export const ORIGIN = 'http://127.0.0.1:8787'
export const API_KEY = 'fovea_test_key'
export const BACKEND_KEY = 'fovea_test_backend_key'

/** Tenants and keys of the tests: `API_KEY` is tenant one's, `other` another's. */
export async function seedKeys(): Promise<void> {
  const catalogue = new Catalogue(env.DB)
  for (const tenant of ['local', 'other']) await catalogue.addTenant(tenant, tenant, 0)
  await catalogue.addKey({ hash: await hashKey(API_KEY), tenant: 'local', kind: 'api', name: 'test' }, 0)
  await catalogue.addKey({ hash: await hashKey('fovea_other_key'), tenant: 'other', kind: 'api', name: 'test' }, 0)
  await catalogue.addKey({ hash: await hashKey(BACKEND_KEY), tenant: 'local', kind: 'backend', name: 'test' }, 0)
}

export function call(path: string, { key = API_KEY, ...init }: RequestInit & { key?: string | null } = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (key !== null) headers.set('authorization', `Bearer ${key}`)
  if (init.body !== undefined) headers.set('content-type', 'application/json')
  return exports.default.fetch(new Request(`${ORIGIN}${path}`, { ...init, headers }))
}

export async function createSession(): Promise<SessionCreated> {
  const response = await call('/v1/sessions', { method: 'POST' })
  if (response.status !== 201) throw new Error(await response.text())
  return response.json()
}

const backends: ScriptedBackend[] = []

export async function startBackend(script: Script = {}): Promise<ScriptedBackend> {
  const backend = await ScriptedBackend.start({
    control: open(`${ORIGIN}/internal/pool`, { authorization: `Bearer ${BACKEND_KEY}` }),
    dial: (url, ticket) => open(url.replace(/^ws/, 'http'), { authorization: `Bearer ${ticket}` }),
    script,
  })
  backends.push(backend)
  return backend
}

const clients: EdgeClient[] = []

/** Hangs up on everything that a test has opened. */
export function stopAll(): void {
  for (const client of clients.splice(0)) client.close()
  for (const backend of backends.splice(0)) backend.die()
}

export async function open(url: string, headers: Record<string, string>): Promise<BackendSocket & WebSocket> {
  const response = await exports.default.fetch(new Request(url, { headers: { ...headers, upgrade: 'websocket' } }))
  if (!response.webSocket) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  // Since compatibility date 2026-03-17 a plain socket gives Blobs unless told otherwise.
  response.webSocket.binaryType = 'arraybuffer'
  response.webSocket.accept()
  return response.webSocket
}

/** A client as a stranger would write one: no reconnects, everything it read is at hand. */
export class EdgeClient {
  readonly read: EdgeMessage[] = []
  readonly pictures: ArrayBuffer[] = []
  closed: { code: number; reason: string; final: boolean } | undefined
  readonly #socket: WebSocket
  readonly #wake = new Set<() => void>()
  readonly #verdicts = new Map<number, number>()

  constructor(socket: WebSocket) {
    this.#socket = socket
    clients.push(this)
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#hear(JSON.parse(data))
      else if (data instanceof ArrayBuffer) this.pictures.push(data)
      this.#rouse()
    })
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason, final: FINAL_CLOSES.has(code) }
      this.#rouse()
    })
  }

  static async open({ wsUrl, protocols }: Pick<SessionCreated, 'wsUrl' | 'protocols'>, headers: Record<string, string> = {}): Promise<EdgeClient> {
    return new EdgeClient(await open(wsUrl.replace(/^ws/, 'http'), { 'sec-websocket-protocol': protocols.join(', '), ...headers }))
  }

  /** A new session with an open stream 0 and its owner. */
  static async start({ policy = 'latest' }: { policy?: 'latest' | 'all' } = {}): Promise<{ client: EdgeClient; session: string; created: SessionCreated }> {
    const created = await createSession()
    const client = await EdgeClient.open(created)
    client.say({ type: 'session-resume', lastSeq: 0, streams: [] })
    client.say({ type: 'stream-open', stream: 0, policy })
    await client.until('stream-window')
    return { client, session: created.session, created }
  }

  say(message: ClientMessage): void {
    this.#socket.send(JSON.stringify(message))
  }

  send(message: string | Uint8Array): void {
    this.#socket.send(message)
  }

  frame(frame: number, { payload = new Uint8Array(8), ...header }: Partial<FrameHeader> & { payload?: Uint8Array } = {}): void {
    const stream = header.stream ?? 0
    const verdictsRead = this.#verdicts.get(stream) ?? 0
    this.#socket.send(
      encodeFrame({ stream, codec: 'jpeg', keep: false, width: 64, height: 64, mediaTime: frame * 33, receivedAt: 0, verdictsRead, ...header, frame }, payload),
    )
  }

  close(code = 1000): void {
    this.#socket.close(code)
  }

  of<Type extends EdgeMessage['type']>(type: Type): Extract<EdgeMessage, { type: Type }>[] {
    return this.read.filter((message): message is Extract<EdgeMessage, { type: Type }> => message.type === type)
  }

  get events(): (EdgeMessage & { seq: number })[] {
    return this.read.filter((message): message is EdgeMessage & { seq: number; at: number } => 'at' in message && 'seq' in message)
  }

  /** The `count`th message of a type, now or later. */
  async until<Type extends EdgeMessage['type']>(type: Type, count = 1): Promise<Extract<EdgeMessage, { type: Type }>> {
    await this.when(
      () => this.of(type).length >= count,
      () => `${count} of ${type}; read so far: ${this.read.map((message) => message.type).join(' ')}`,
    )
    const found = this.of(type)[count - 1]
    if (!found) throw new Error(`${type} was there and is gone.`)
    return found
  }

  async untilClosed(): Promise<{ code: number; reason: string }> {
    await this.when(
      () => this.closed !== undefined,
      () => 'the socket to close',
    )
    return this.closed ?? { code: 0, reason: '' }
  }

  async when(true_: () => boolean, what: () => string): Promise<void> {
    const end = Date.now() + 8000
    while (!true_()) {
      const left = end - Date.now()
      if (left <= 0) throw new Error(`Waited in vain for ${what()}${this.closed ? `; closed ${this.closed.code} ${this.closed.reason}` : ''}`)
      await Promise.race([new Promise<void>((resolve) => this.#wake.add(resolve)), new Promise((resolve) => setTimeout(resolve, Math.min(left, 50)))])
    }
  }

  #hear(message: EdgeMessage): void {
    this.read.push(message)
    const count = (stream: number, by: number) => this.#verdicts.set(stream, (this.#verdicts.get(stream) ?? 0) + by)
    if (message.type === 'frame-seen' || message.type === 'frame-dropped') count(message.stream, 1)
    if (message.type === 'frames-settled') for (const { from, to } of message.ranges) count(message.stream, to - from + 1)
  }

  #rouse(): void {
    for (const resolve of this.#wake) resolve()
    this.#wake.clear()
  }
}

export { SUBPROTOCOL }
