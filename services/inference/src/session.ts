import {
  encodePicture,
  encodeVerdict,
  ProtocolError,
  readFrameHeader,
  toProtocolError,
  type DropReason,
  type Evidence,
  type FrameDropped,
  type FrameHeader,
  type FromBackend,
  type SessionOpen,
  type ToBackend,
  FRAME_HEADER_BYTES,
} from '@fovea/protocol'
import { clock } from './clock.ts'
import type { Device, DeviceSession } from './device.ts'
import type { Metrics } from './metrics.ts'
import { PictureProblem, type PictureRequest } from './pictures/picture-decoder.ts'
import { asJpeg, overlay } from './pictures/render.ts'
import type { FromModelThread } from './thread-message.ts'

export type SessionOptions = {
  open: SessionOpen
  device: Device
  metrics: Metrics
  /** to the edge: text is a message, bytes are a verdict or a picture */
  send: (data: string | Uint8Array) => void
}
/** Evidence that pictures can be rendered with, newest last. */
const REMEMBERED_EVIDENCE = 256

/** One session on this backend: checks and decodes what comes in, keeps its order on the way to the model thread, and sends the answers out. */
export class Session implements DeviceSession {
  /** of the session under this epoch: what an earlier assignment still had on its way is not taken for this one's */
  readonly id: string
  readonly #options: SessionOptions
  readonly #pictures = new Map<number, Map<number, PictureRequest>>()
  readonly #paused = new Set<number>()
  readonly #evidence = new Map<string, Evidence>()
  readonly #pending = new Map<string, number>()
  readonly #asks = new Map<string, 'waiting' | 'posted'>()
  // What came first reaches the model thread first, though pictures are decoded side by side.
  #order: Promise<void> = Promise.resolve()
  readonly #said: string[] = []
  #closed = false

  constructor(options: SessionOptions) {
    const { open, device } = options
    this.id = `${open.session}#${open.epoch}`
    this.#options = options
    device.add(this.id, this)
    device.post({ type: 'session-open', session: this.id, limits: open.limits })
    for (const body of open.streams) this.handle({ type: 'stream-open', ...body })
    for (const body of open.watches) this.handle({ type: 'watch-start', ...body })
    for (const body of open.tracks) this.handle({ type: 'track-start', ...body })
  }

  /** Age of the oldest frame that has no verdict yet. */
  get oldestMs(): number {
    const [first] = this.#pending.values()
    return first === undefined ? 0 : Math.max(0, clock() - first)
  }

  /** Whether somebody waits for this backend: a frame's verdict or an answer. */
  get busy(): boolean {
    return this.#pending.size > 0 || this.#asks.size > 0
  }

  handle(message: Exclude<ToBackend, { type: 'session-open' | 'session-close' }>): void {
    const session = this.id
    const { device } = this.#options
    const arrivedAt = clock()
    switch (message.type) {
      case 'stream-open': {
        const { type: _type, ...body } = message
        this.#pictures.set(body.stream, new Map())
        return this.#inOrder(() => device.post({ type: 'stream-open', session, body }))
      }
      case 'stream-close':
        return this.#inOrder(() => {
          this.#pictures.delete(message.stream)
          device.post({ type: 'stream-close', session, stream: message.stream })
        })
      case 'stream-pause':
        if (message.paused) this.#paused.add(message.stream)
        else this.#paused.delete(message.stream)
        return
      case 'ask-start': {
        const { type: _type, ...body } = message
        this.#asks.set(body.ask, 'waiting')
        return this.#inOrder(() => {
          this.#asks.set(body.ask, 'posted')
          device.post({ type: 'ask', session, body, arrivedAt })
        })
      }
      case 'ask-cancel':
        // A running ask is stopped at once [AS4]; one that waits for pictures to be decoded is stopped behind its own start.
        if (this.#asks.get(message.ask) === 'posted') return device.post({ type: 'ask-cancel', session, ask: message.ask })
        return this.#inOrder(() => device.post({ type: 'ask-cancel', session, ask: message.ask }))
      case 'watch-start': {
        const { type: _type, ...body } = message
        return this.#inOrder(() => device.post({ type: 'watch', session, body }))
      }
      case 'watch-stop':
        return this.#inOrder(() => device.post({ type: 'watch-stop', session, watch: message.watch }))
      case 'track-start': {
        const { type: _type, ...body } = message
        return this.#inOrder(() => device.post({ type: 'track', session, body }))
      }
      case 'track-stop':
        return this.#inOrder(() => device.post({ type: 'track-stop', session, track: message.track }))
      case 'picture-get':
        return void this.#sendPicture(message)
    }
  }

  /** A frame as the edge forwarded it: header and payload. */
  frame(bytes: Uint8Array): void {
    const header = readFrameHeader(bytes)
    if ('problem' in header) return this.#say({ type: 'error', ...new ProtocolError('invalid-message', header.problem).body() })
    const kept = this.#pictures.get(header.stream)
    if (!kept) return this.#drop(header, 'unavailable', `Stream ${header.stream} is not open at this backend.`)
    if (this.#paused.has(header.stream)) return this.#drop(header, 'paused')
    const arrivedAt = clock()
    const {
      open: { limits },
      device,
    } = this.#options
    const picture: PictureRequest = {
      codec: header.codec,
      width: header.width,
      height: header.height,
      maxPixels: limits.maxPixels,
      bytes: bytes.subarray(FRAME_HEADER_BYTES),
    }
    kept.set(header.frame, picture)
    this.#pending.set(key(header.stream, header.frame), arrivedAt)
    const decoding = device.pictures.decode(picture)
    decoding.catch(() => {})
    this.#order = this.#order.then(async () => {
      try {
        const { slot, ms } = await decoding
        if (this.#closed) return device.pictures.release(slot)
        const { stream, frame, mediaTime, receivedAt, keep, width, height } = header
        device.post({
          type: 'frame',
          session: this.id,
          frame: { stream, frame, mediaTime, receivedAt, keep, width, height, bytes: picture.bytes.byteLength, arrivedAt, decodeMs: ms, slot },
        })
      } catch (error) {
        kept.delete(header.frame)
        this.#drop(header, 'undecodable', error instanceof PictureProblem ? error.message : 'The picture could not be decoded.')
      }
    })
  }

  hear(message: Extract<FromModelThread, { session: string }>): void {
    if (this.#closed) return
    switch (message.type) {
      case 'verdict': {
        const { stream, frame, outcome, json, gone, reason, timings } = message
        const kept = this.#pictures.get(stream)
        if (outcome === 'dropped') kept?.delete(frame)
        for (const number of gone) kept?.delete(number)
        const arrivedAt = this.#pending.get(key(stream, frame))
        this.#pending.delete(key(stream, frame))
        this.#options.metrics.verdict({ outcome, reason, timings, totalMs: arrivedAt === undefined ? undefined : clock() - arrivedAt })
        return this.#send(encodeVerdict({ outcome, frame, stream, epoch: this.#options.open.epoch }, json))
      }
      case 'say':
        if (message.message.type === 'head-result') this.#remember(message.message.evidence)
        if (message.message.type === 'answer-ended') this.#asks.delete(message.message.ask)
        this.#options.metrics.said(message.message)
        return this.#say(message.message)
      case 'picture-wanted':
        return
    }
  }

  picture(stream: number, frame: number): PictureRequest | undefined {
    return this.#pictures.get(stream)?.get(frame)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    const { device } = this.#options
    device.post({ type: 'session-close', session: this.id })
    device.remove(this.id)
    this.#options.metrics.cutOff(this.#asks.size)
    this.#asks.clear()
    this.#pictures.clear()
    this.#evidence.clear()
  }

  async #sendPicture({ request, stream, frame, evidence: id }: Extract<ToBackend, { type: 'picture-get' }>): Promise<void> {
    try {
      const evidence = id === undefined ? undefined : this.#evidence.get(id)
      if (id !== undefined && !evidence)
        throw new ProtocolError('unknown-id', `Evidence ${id} is not known at this backend any more. Get the picture alone.`, { got: id })
      const kept = this.#pictures.get(stream)
      const picture = kept?.get(frame)
      if (!picture) {
        const frames = [...(kept?.keys() ?? [])]
        const retained = frames.length > 0 ? { from: Math.min(...frames), to: Math.max(...frames) } : undefined
        throw new ProtocolError('frame-gone', `Frame ${frame} of stream ${stream} is not kept.`, { retained })
      }
      this.#send(encodePicture({ frame, stream, request }, evidence ? await overlay(picture, evidence) : await asJpeg(picture)))
    } catch (error) {
      this.#say({ type: 'error', of: request, ...toProtocolError(error).body() })
    }
  }

  #remember(evidence: Evidence): void {
    this.#evidence.set(evidence.id, evidence)
    const [oldest] = this.#evidence.keys()
    if (this.#evidence.size > REMEMBERED_EVIDENCE && oldest !== undefined) this.#evidence.delete(oldest)
  }

  #drop({ stream, frame }: FrameHeader, reason: DropReason, message?: string): void {
    if (this.#closed) return
    this.#pending.delete(key(stream, frame))
    const verdict: FrameDropped = { type: 'frame-dropped', stream, frame, reason, ...(message ? { message } : {}) }
    this.#options.metrics.verdict({ outcome: 'dropped', reason })
    this.#send(encodeVerdict({ outcome: 'dropped', frame, stream, epoch: this.#options.open.epoch }, JSON.stringify(verdict)))
  }

  /** What is said at one moment goes as one message: the edge writes it down in one go. */
  #say(message: FromBackend): void {
    if (this.#said.push(JSON.stringify(message)) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const said = this.#said.splice(0)
    if (said.length > 0) this.#options.send(said.length === 1 ? (said[0] ?? '') : `[${said.join(',')}]`)
  }

  /** Bytes go in their turn: after what was said before them. */
  #send(bytes: Uint8Array): void {
    this.#flush()
    this.#options.send(bytes)
  }

  #inOrder(work: () => void | Promise<void>): void {
    this.#order = this.#order.then(() => (this.#closed ? undefined : work()))
  }
}

const key = (stream: number, frame: number): string => `${stream}:${frame}`
