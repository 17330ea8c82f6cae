import { encodeFrame } from '@fovea/protocol'
import { WebSocket } from 'ws'
import { say, takeOrders } from '../orders.ts'

/** One run of load: `closed` sends the next frame when the answer to the last is there, `open` sends `fps` a second come what may. */
export type LoadOrder = {
  targets: { url: string; protocols?: string[]; fovea: boolean }[]
  mode: 'closed' | 'open'
  fps: number
  seconds: number
  bytes: number
}
/** `settled` and `wallMs` count from the moment it said that it is warm. */
export type LoadReport = { frames: number; settled: number; dropped: number; latencies: number[]; wallMs: number }

/** What comes before belongs to warming up: sessions, compilers, caches. */
const WARM_MS = 700

takeOrders<LoadOrder>(async (order) => {
  const payload = crypto.getRandomValues(new Uint8Array(Math.min(order.bytes, 65_536)))
  const clients = await Promise.all(order.targets.map((target) => Client.open(target, payload)))
  const sum = (of: (client: Client) => number) => clients.reduce((total, client) => total + of(client), 0)
  let start = performance.now()
  let before = 0
  setTimeout(() => {
    start = performance.now()
    before = sum((client) => client.settled)
    say({ warm: true })
  }, WARM_MS)
  await Promise.all(clients.map((client, index) => client.run(order, index / clients.length)))
  const wallMs = performance.now() - start
  for (const client of clients) client.close()
  return {
    frames: sum((client) => client.sent),
    settled: sum((client) => client.settled) - before,
    dropped: sum((client) => client.dropped),
    latencies: clients.flatMap((client) => client.latencies),
    wallMs,
  } satisfies LoadReport
})

/** A plain client: to a Fovea edge it speaks the protocol by hand, to an echo it only counts. */
class Client {
  sent = 0
  settled = 0
  dropped = 0
  readonly latencies: number[] = []
  readonly #socket: WebSocket
  readonly #fovea: boolean
  readonly #payload: Uint8Array
  readonly #sentAt = new Map<number, number>()
  #received = 0
  #answered: () => void = () => {}
  #openedAt = 0

  constructor(socket: WebSocket, fovea: boolean, payload: Uint8Array) {
    this.#socket = socket
    this.#fovea = fovea
    this.#payload = payload
  }

  static async open({ url, protocols, fovea }: LoadOrder['targets'][number], payload: Uint8Array): Promise<Client> {
    const socket = new WebSocket(url, protocols ?? [], { perMessageDeflate: false, maxPayload: 32 * 1024 * 1024 })
    const client = new Client(socket, fovea, payload)
    const attached = new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('close', (code, reason) => reject(new Error(`${url} closed: ${code} ${reason.toString('utf8')}`)))
      socket.on('open', () => {
        if (!fovea) return resolve()
        socket.send(JSON.stringify({ type: 'session-resume', lastSeq: 0, streams: [] }))
        socket.send(JSON.stringify({ type: 'stream-open', stream: 0, policy: 'latest' }))
      })
      socket.on('message', (data: Buffer, binary) => client.#hear(data, binary, resolve))
    })
    await attached
    return client
  }

  async run({ mode, fps, seconds }: LoadOrder, phase: number): Promise<void> {
    this.#openedAt = performance.now()
    const end = this.#openedAt + seconds * 1000
    if (mode === 'closed') {
      while (performance.now() < end) {
        const answered = new Promise<void>((resolve) => (this.#answered = resolve))
        this.#send()
        await answered
      }
      return
    }
    for (let due = this.#openedAt + (phase * 1000) / fps; due < end; due += 1000 / fps) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
      // Window 2: a live client that has two frames on their way lets this one go.
      if (this.sent - this.settled < 2) this.#send()
      else this.dropped++
    }
    const patience = performance.now() + 2000
    while (this.settled < this.sent && performance.now() < patience) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.close()
  }

  #send(): void {
    const frame = ++this.sent
    const header = {
      stream: 0,
      frame,
      codec: 'jpeg',
      keep: false,
      width: 640,
      height: 480,
      mediaTime: frame * 33,
      receivedAt: 0,
      verdictsRead: this.settled,
    } as const
    this.#sentAt.set(frame, performance.now())
    this.#socket.send(encodeFrame(header, this.#payload))
  }

  #hear(data: Buffer, binary: boolean, attached: () => void): void {
    this.#received++
    if (!this.#fovea || binary) return this.#settle(this.settled + 1, 'seen')
    const text = data.toString('utf8')
    // Verdicts of the edge begin with their kind; the rest is rare enough to be parsed.
    const verdict = /^\{"type":"frame-(seen|dropped)","stream":0,"frame":(\d+)/.exec(text)
    if (verdict) {
      if (this.#received % 64 === 0) this.#socket.send(JSON.stringify({ type: 'ack', seq: 0, received: this.#received }))
      return this.#settle(Number(verdict[2]), verdict[1] === 'seen' ? 'seen' : 'dropped')
    }
    const message: { type: string; state?: string } = JSON.parse(text)
    if (message.type === 'session-state' && message.state === 'live') attached()
  }

  #settle(frame: number, outcome: 'seen' | 'dropped'): void {
    const sentAt = this.#sentAt.get(frame)
    this.#sentAt.delete(frame)
    this.settled++
    if (outcome === 'dropped') this.dropped++
    const now = performance.now()
    if (sentAt !== undefined && outcome === 'seen' && sentAt - this.#openedAt > WARM_MS) this.latencies.push(now - sentAt)
    this.#answered()
  }
}
