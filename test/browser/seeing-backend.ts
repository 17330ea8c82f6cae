import {
  encodeRle,
  encodeVerdict,
  readFrameHeader,
  ToBackend,
  ToPoolMember,
  type AskBody,
  type Box,
  type Evidence,
  type FrameHeader,
  type FromBackend,
  type FromPoolMember,
  type ModelInfo,
  type Perception,
  type Rle,
} from '@fovea/protocol'
import { WebSocket } from 'ws'

const MODEL: ModelInfo = { name: 'seeing', hash: 'sha256:seeing', tasks: ['region', 'mask', 'track', 'moment'], imageSize: [256, 256] }
const USAGE = { promptTokens: 20, answerTokens: 12, heads: 3, deviceMs: 40, firstWordMs: 30, totalMs: 240 }

/**
 * A backend that sees the same scene in every picture: one thing that goes round, one that stands still, nothing else. Pages can be
 * tested with it to the pixel: what should be drawn is known. Whatever is asked for by a phrase with "no" in it is absent.
 */
export class SeeingBackend {
  readonly frames: FrameHeader[] = []
  readonly #control: WebSocket
  readonly #sockets = new Set<WebSocket>()

  private constructor(control: WebSocket) {
    this.#control = control
    control.on('message', (data: Buffer) => this.#dial(ToPoolMember.parse(JSON.parse(data.toString('utf8')))))
  }

  static async join({ url, backendKey }: { url: string; backendKey: string }): Promise<SeeingBackend> {
    const control = new WebSocket(`${url.replace(/^http/, 'ws')}/internal/pool`, { headers: { authorization: `Bearer ${backendKey}` } })
    await new Promise((resolve, reject) => control.once('open', resolve).once('error', reject))
    const hello: FromPoolMember = { type: 'hello', backend: 'seeing', models: [MODEL], capacity: 64 }
    control.send(JSON.stringify(hello))
    const load: FromPoolMember = { type: 'load', sessions: 0, deviceMs: 0, oldestMs: 0, modelThread: 'ready' }
    const timer = setInterval(() => control.send(JSON.stringify(load)), 1000)
    control.once('close', () => clearInterval(timer))
    return new SeeingBackend(control)
  }

  leave(): void {
    for (const socket of [...this.#sockets, this.#control]) socket.close()
  }

  /** Its sessions lose it, as when it is started anew; it takes them again. */
  drop(): void {
    for (const socket of this.#sockets) socket.close()
  }

  #dial({ url, ticket }: ToPoolMember): void {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${ticket}` } })
    this.#sockets.add(socket)
    const eyes = new Eyes((message) => socket.send(message), this.frames)
    socket.on('message', (data: Buffer, binary) => (binary ? eyes.see(data) : eyes.hear(ToBackend.parse(JSON.parse(data.toString('utf8'))))))
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** One session of it. */
class Eyes {
  readonly #send: (message: string | Uint8Array) => void
  readonly #frames: FrameHeader[]
  readonly #watches = new Map<string, { query: string; task: 'region' | 'mask' }>()
  readonly #tracks = new Map<string, { seen: number }>()
  #epoch = 0
  #evidence = 0
  #last: FrameHeader | undefined

  constructor(send: (message: string | Uint8Array) => void, frames: FrameHeader[]) {
    this.#send = send
    this.#frames = frames
  }

  hear(message: ToBackend): void {
    switch (message.type) {
      case 'session-open':
        this.#epoch = message.epoch
        this.#say({ type: 'session-attached', epoch: message.epoch, window: 2, model: MODEL })
        for (const { watch, query, task } of message.watches) this.#watches.set(watch, { query, task })
        for (const { track } of message.tracks) this.#tracks.set(track, { seen: 0 })
        return
      case 'watch-start': {
        const { type: _, ...watch } = message
        this.#watches.set(watch.watch, watch)
        return this.#say({ type: 'watch-started', ...watch, standing: true })
      }
      case 'watch-stop':
        this.#watches.delete(message.watch)
        return this.#say({ type: 'watch-stopped', watch: message.watch, because: 'stopped by the client' })
      case 'track-start':
        return void this.#tracks.set(message.track, { seen: 0 })
      case 'track-stop':
        this.#tracks.delete(message.track)
        return this.#say({ type: 'track-ended', track: message.track, because: 'stopped by the client' })
      case 'ask-start': {
        const { type: _, ...ask } = message
        return this.#answer(ask)
      }
      default:
        return
    }
  }

  see(data: Buffer): void {
    const header = readFrameHeader(data)
    if ('problem' in header) throw new Error(header.problem)
    this.#frames.push(header)
    this.#last = header
    const { stream, frame, mediaTime, receivedAt } = header
    const seen = {
      type: 'frame-seen',
      stream,
      frame,
      mediaTime,
      receivedAt,
      timings: { queue: 0, decode: 1, encode: 3, heads: 1 },
      perceptions: this.#perceive(header),
    }
    this.#send(encodeVerdict({ outcome: 'seen', stream, frame, epoch: this.#epoch }, JSON.stringify(seen)))
  }

  #perceive({ stream, frame, mediaTime }: FrameHeader): Perception[] {
    const box = roundAt(mediaTime)
    const watches = [...this.#watches].map(([watch, { query, task }]): Perception => {
      if (isAbsent(query)) return { watch, task, score: 0.04, regions: [] }
      return task === 'mask' ? { watch, task, score: 0.92, mask: disc(box), box } : { watch, task, score: 0.92, regions: [{ box, score: 0.92 }] }
    })
    const tracks = [...this.#tracks].map(([track, state]): Perception => {
      state.seen++
      if (state.seen === 3) this.#say({ type: 'track-confirmed', track, stream, frame, mediaTime, score: 0.88, box: STILL })
      return { track, task: 'track', score: 0.88, box: STILL, mask: disc(STILL), life: state.seen < 3 ? 'tentative' : 'confirmed' }
    })
    return [...watches, ...tracks]
  }

  #answer({ ask, text, tasks }: AskBody): void {
    const last = this.#last
    if (!last) return this.#end(ask, '', 'error')
    if (isAbsent(text)) {
      const words = 'It is not in view.'
      this.#words(ask, words)
      this.#result(ask, { ...this.#base(text, last), task: 'region', token: '<region>', score: 0.03, regions: [] })
      return this.#end(ask, words, 'stop')
    }
    const words = 'The round one moves past the square one and waves twice.'
    this.#words(ask, words.slice(0, 19))
    const forced = tasks?.[0]
    if (forced !== 'moment') {
      this.#result(ask, {
        ...this.#base('the round one', last),
        task: 'region',
        token: '<region>',
        score: 0.92,
        regions: [{ box: roundAt(last.mediaTime), score: 0.92 }],
        words: [0, 13],
      })
      this.#words(ask, words.slice(19, 40))
      this.#result(ask, { ...this.#base('the square one', last), task: 'mask', token: '<mask>', score: 0.88, mask: disc(STILL), box: STILL, words: [25, 39] })
    }
    this.#words(ask, words.slice(forced === 'moment' ? 19 : 40))
    const to = last.mediaTime
    const spans = [
      { start: to * 0.2, end: to * 0.45, score: 0.9 },
      { start: to * 0.65, end: to * 0.8, score: 0.7 },
    ]
    const values = Array.from({ length: 16 }, (_, index) => 0.5 + 0.45 * Math.sin(index))
    this.#result(ask, {
      ...this.#base('waves', last),
      task: 'moment',
      token: '<moment>',
      score: 0.9,
      spans,
      saliency: { from: 0, step: to / 15, values },
      words: [44, 49],
    })
    this.#end(ask, words, 'stop')
  }

  #base(query: string, { stream, frame, mediaTime, receivedAt }: FrameHeader): Omit<Evidence, 'task' | 'token' | 'score'> {
    const id = `ev_${String(++this.#evidence).padStart(10, '0')}`
    return { id, version: 1, query, stream, frame, mediaTime, receivedAt, model: { bundle: MODEL.name, hash: MODEL.hash, head: 'scene' } }
  }

  #words(ask: string, text: string): void {
    this.#say({ type: 'answer-delta', ask, text })
  }

  #result(ask: string, evidence: Evidence): void {
    this.#say({ type: 'head-started', ask, evidence: evidence.id, task: evidence.task, token: evidence.token, query: evidence.query })
    this.#say({ type: 'head-result', ask, evidence })
  }

  #end(ask: string, text: string, finish: 'stop' | 'error'): void {
    const error = { code: 'no-frame' as const, message: 'No frame was seen yet. Send one, then ask.', retryable: true }
    this.#say({ type: 'answer-ended', ask, finish, text, usage: USAGE, ...(finish === 'error' && { error }) })
  }

  #say(message: FromBackend): void {
    this.#send(JSON.stringify(message))
  }
}

const STILL: Box = [0.62, 0.55, 0.86, 0.9]

/** Where the moving thing is: once round in eight seconds. */
export function roundAt(mediaTime: number): Box {
  const angle = (mediaTime / 8000) * 2 * Math.PI
  const [x, y] = [0.42 + 0.26 * Math.cos(angle), 0.4 + 0.2 * Math.sin(angle)]
  return [x - 0.1, y - 0.14, x + 0.1, y + 0.14]
}

function isAbsent(phrase: string): boolean {
  return /\bno\b/.test(phrase)
}

/** An ellipse that fills a box, as a mask of 256 × 256. */
function disc([x0, y0, x1, y1]: Box): Rle {
  const side = 256
  const mask = new Uint8Array(side * side)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [u, v] = [((x + 0.5) / side - (x0 + x1) / 2) / ((x1 - x0) / 2), ((y + 0.5) / side - (y0 + y1) / 2) / ((y1 - y0) / 2)]
      if (u * u + v * v <= 1) mask[y * side + x] = 1
    }
  }
  return encodeRle(mask, side, side)
}
