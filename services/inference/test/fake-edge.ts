import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  DEFAULT_LIMITS,
  encodeFrame,
  BackendText,
  type FromBackend,
  FromPoolMember,
  readPicture,
  readVerdictHeader,
  VERDICT_HEADER_BYTES,
  type FrameDropped,
  type FrameSeen,
  type Limits,
  type ToBackend,
} from '@fovea/protocol'
import { WebSocketServer, type WebSocket } from 'ws'

export type Verdict = FrameSeen | FrameDropped
type Told = FromBackend | Verdict | { type: 'picture'; request: string; bytes: Uint8Array }

/** A small honest edge: one pool socket, sessions that it assigns, every message parsed as the real edge would. */
export class FakeEdge {
  readonly pool: FromPoolMember[] = []
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true })
  readonly #attached = new Map<string, (socket: WebSocket) => void>()
  readonly #changed: (() => void)[] = []
  #control: WebSocket | undefined

  private constructor(server: Server) {
    this.#server = server
    server.on('upgrade', (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#accept(request.url ?? '', request.headers.authorization, client))
    })
  }

  static async open(): Promise<FakeEdge> {
    const server = createServer((_, response) => response.writeHead(404).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new FakeEdge(server)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves when the pool has heard such a message. */
  async heard<Type extends FromPoolMember['type']>(type: Type): Promise<Extract<FromPoolMember, { type: Type }>> {
    for (;;) {
      const found = this.pool.find((message): message is Extract<FromPoolMember, { type: Type }> => message.type === type)
      if (found) return found
      await new Promise<void>((resolve) => this.#changed.push(resolve))
    }
  }

  /** Leases the backend for a session and waits until it has attached. */
  async session(number = 1, { epoch = 1, limits = {} }: { epoch?: number; limits?: Partial<Limits> } = {}): Promise<FakeSession> {
    await this.heard('hello')
    const session = `s_${String(number).padStart(16, '0')}`
    const path = `/internal/sessions/${session}/attach`
    const socket = new Promise<WebSocket>((resolve) => this.#attached.set(path, resolve))
    this.#control?.send(
      JSON.stringify({ type: 'assign', session, epoch, url: `${this.url.replace('http', 'ws')}${path}`, ticket: 'a-ticket', deadline: Date.now() + 5000 }),
    )
    const opened = new FakeSession(await socket, session)
    opened.send({ type: 'session-open', session, epoch, limits: { ...DEFAULT_LIMITS, ...limits }, streams: [], watches: [], tracks: [], transcript: [] })
    await opened.until((message) => message.type === 'session-attached')
    return opened
  }

  async close(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(path: string, authorization: string | undefined, socket: WebSocket): void {
    if (path !== '/internal/pool') return this.#attached.get(path)?.(socket)
    if (authorization !== 'Bearer a-key') return socket.close(1008)
    this.#control = socket
    socket.on('message', (data: Buffer) => {
      this.pool.push(FromPoolMember.parse(JSON.parse(data.toString())))
      for (const resume of this.#changed.splice(0)) resume()
    })
  }
}

/** One session at the fake edge: sends frames and messages, remembers all that comes back. */
export class FakeSession {
  readonly id: string
  readonly told: Told[] = []
  readonly #socket: WebSocket
  readonly #waiting: (() => void)[] = []
  readonly #numbers = new Map<number, number>()
  closed: { code: number; reason: string } | undefined

  constructor(socket: WebSocket, id: string) {
    this.id = id
    this.#socket = socket
    socket.on('message', (data: Buffer, binary) => {
      this.told.push(...(binary ? [fromBinary(data)] : [BackendText.parse(JSON.parse(data.toString()))].flat()))
      for (const resume of this.#waiting.splice(0)) resume()
    })
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      for (const resume of this.#waiting.splice(0)) resume()
    })
  }

  send(message: ToBackend): void {
    this.#socket.send(JSON.stringify(message))
  }

  sendText(text: string): void {
    this.#socket.send(text)
  }

  /** Sends a picture as the stream's next frame; resolves with its verdict. */
  frame(
    payload: Uint8Array,
    {
      stream = 1,
      mediaTime,
      width,
      height,
      codec = 'jpeg',
      keep = false,
    }: { stream?: number; mediaTime?: number; width: number; height: number; codec?: 'jpeg' | 'webp' | 'png' | 'rgb8'; keep?: boolean },
  ): Promise<Verdict> {
    const frame = (this.#numbers.get(stream) ?? 0) + 1
    this.#numbers.set(stream, frame)
    this.#socket.send(
      encodeFrame(
        { stream, frame, codec, keep, width, height, mediaTime: mediaTime ?? (frame - 1) * 100, receivedAt: 1_700_000_000_000 + frame, verdictsRead: 0 },
        payload,
      ),
    )
    return this.until(
      (message): message is Verdict =>
        (message.type === 'frame-seen' || message.type === 'frame-dropped') && message.stream === stream && message.frame === frame,
    )
  }

  /** The first message, past or to come, that matches. */
  async until<Wanted extends Told>(matches: ((message: Told) => message is Wanted) | ((message: Told) => boolean)): Promise<Wanted> {
    for (let at = 0; ;) {
      for (; at < this.told.length; at++) {
        const message = this.told[at]
        if (message && matches(message)) return message as Wanted
      }
      if (this.closed) throw new Error(`The session socket closed with ${this.closed.code} ${this.closed.reason} before the message came.`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Asks, and returns everything said of the ask, in order, once it has ended. */
  async ask(body: Omit<Extract<ToBackend, { type: 'ask-start' }>, 'type'>): Promise<Extract<FromBackend, { ask: string }>[]> {
    this.send({ type: 'ask-start', ...body })
    await this.until((message) => message.type === 'answer-ended' && message.ask === body.ask)
    return this.told.filter((message): message is Extract<FromBackend, { ask: string }> => 'ask' in message && message.ask === body.ask)
  }

  close(): void {
    this.#socket.close()
  }
}

function fromBinary(data: Buffer): Told {
  const bytes = Uint8Array.from(data).buffer
  const picture = readPicture(bytes)
  if (!('problem' in picture)) return { type: 'picture', request: picture.request, bytes: picture.picture }
  const header = readVerdictHeader(bytes)
  if ('problem' in header) throw new Error(header.problem)
  return JSON.parse(new TextDecoder().decode(bytes.slice(VERDICT_HEADER_BYTES))) as Verdict
}
