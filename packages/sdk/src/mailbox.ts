import { encodeFrame, ProtocolError } from '@fovea/protocol'
import type { DropReason, StreamPolicy } from '@fovea/protocol'
import { Deferred } from './deferred.ts'
import type { Frame } from './frame-source.ts'

// A frame refused for budget or for want of a backend is not worth offering again at once.
const RESEND_PAUSE_MS = 250

type Waiting = { frame: Frame; capturedAt: number; taken: () => void; fail: (error: Error) => void }
type Unsettled = { frame: Frame | undefined; mediaTime: number; capturedAt: number }
export type Settled = { mediaTime: number; capturedAt: number }
export type MailboxCounts = { sent: number; seen: number; dropped: number; resent: number; replaced: number }

type Options = {
  stream: number
  policy: StreamPolicy
  /** puts bytes on the wire; false when there is no open socket */
  send: (bytes: Uint8Array<ArrayBuffer>) => boolean
  /** what `send` would answer now; after a change to true, call `pump` */
  canSend?: () => boolean
  sent?: number
  /** of the newest frame of an earlier program: a source goes on from there */
  mediaTime?: number | undefined
  now?: () => number
  after?: (ms: number, run: () => void) => void
}

/**
 * The pace of one stream. One slot waits; a frame gets its number when it leaves, and it leaves when fewer than `window`
 * numbers are without a verdict [FR1] [FR2]. Under `latest` a newer picture replaces the waiting one before it has a
 * number, so nothing queues [FR3]; under `all` the sender waits, and what came back `unavailable` or `budget` goes again [FR4].
 */
export class Mailbox {
  readonly stream: number
  readonly policy: StreamPolicy
  readonly #options: Required<Omit<Options, 'mediaTime'>>
  #window = 0
  #sent: number
  #settled: number
  #maxFrameBytes = Infinity
  #slot: Waiting | undefined
  #again: Waiting[] = []
  #holding = false
  /** why no more is sent */
  #halted: Error | undefined
  #closed: Error | undefined
  /** media time of the newest picture, and when it was captured */
  #newest: { mediaTime: number; capturedAt: number } | undefined
  /** what is added to the media times of the source in hand */
  #shift = 0
  #isFirstOfSource = false
  #unsettled = new Map<number, Unsettled>()
  #roomWaiters: (() => void)[] = []
  #drainWaiters: { resolve: () => void; reject: (error: Error) => void }[] = []
  readonly counts: MailboxCounts = { sent: 0, seen: 0, dropped: 0, resent: 0, replaced: 0 }
  readonly #over = new Deferred<void>()

  constructor({ now = () => performance.now(), after = (ms, run) => void setTimeout(run, ms), canSend = () => true, sent = 0, mediaTime, ...rest }: Options) {
    this.stream = rest.stream
    this.policy = rest.policy
    this.#options = { now, after, canSend, sent, ...rest }
    this.#sent = sent
    this.#settled = sent
    if (mediaTime !== undefined) this.#newest = { mediaTime, capturedAt: now() }
  }

  /** The highest number given so far. */
  get sent(): number {
    return this.#sent
  }

  /** Numbers without a verdict, rising: what a resume names [EV2]. */
  get unsettled(): number[] {
    return [...this.#unsettled.keys()]
  }

  /** True when a picture put now would leave at once. */
  get hasRoom(): boolean {
    return !this.#slot && this.#again.length === 0 && this.#sent + 1 - this.#settled <= this.#window && this.#options.canSend()
  }

  get isOpen(): boolean {
    return !this.#halted
  }

  /** Closed, and every number has its verdict: nothing more comes of it. */
  get isOver(): boolean {
    return this.#closed !== undefined && this.#unsettled.size === 0
  }

  /** Resolves when the stream is closed, by whomever. */
  get closed(): Promise<void> {
    return this.#over.promise
  }

  /** Another source goes on with this stream. Where it counts from 0 again it is moved on, by the time that went by meanwhile: media time rises along a stream. */
  goOn(): void {
    this.#isFirstOfSource = true
  }

  /** Resolves when the frame has left (`all`), or when it has left or was replaced (`latest`). */
  put(frame: Frame): Promise<void> {
    if (this.#halted) return Promise.reject(this.#halted)
    if (frame.data.byteLength > this.#maxFrameBytes) {
      return Promise.reject(
        new ProtocolError('too-large', `The frame is ${frame.data.byteLength} bytes; this session takes ${this.#maxFrameBytes}. Send a smaller picture.`, {
          expected: this.#maxFrameBytes,
          got: frame.data.byteLength,
        }),
      )
    }
    if (this.#slot && this.policy === 'all')
      return Promise.reject(new ProtocolError('conflict', 'A frame of this stream still waits: await `put` before the next one.'))
    return new Promise((resolve, reject) => {
      if (this.#slot) {
        this.counts.replaced++
        this.#slot.taken()
      }
      const capturedAt = frame.capturedAt ?? this.#options.now()
      // A live picture that is not sent is like one that was replaced; of a recording each one counts.
      const fail = this.policy === 'all' ? reject : () => resolve()
      this.#slot = { frame: { ...frame, mediaTime: this.#place(frame.mediaTime, capturedAt) }, capturedAt, taken: resolve, fail }
      this.pump()
    })
  }

  /** Resolves when a picture put then would leave at once; also when the stream is closed, where `put` says why. */
  room(): Promise<void> {
    if (this.hasRoom || this.#halted) return Promise.resolve()
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  /** Resolves when nothing waits and every number has its verdict. */
  drained(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed)
    if (this.#isDrained()) return Promise.resolve()
    return new Promise((resolve, reject) => this.#drainWaiters.push({ resolve, reject }))
  }

  /** The window as the edge said it, absolute [FR2]. */
  setWindow(window: number, maxFrameBytes = this.#maxFrameBytes): void {
    this.#window = window
    this.#maxFrameBytes = maxFrameBytes
    this.pump()
  }

  /** The verdict of one number. Undefined when the number has one already or was never given. */
  settle(number: number, outcome: 'seen' | 'dropped', reason?: DropReason): Settled | undefined {
    const entry = this.#unsettled.get(number)
    if (!entry) return undefined
    this.#unsettled.delete(number)
    this.#settled++
    this.counts[outcome]++
    if (entry.frame && (reason === 'unavailable' || reason === 'budget') && !this.#halted) this.#sendAgain(entry.frame, entry.capturedAt)
    this.pump()
    if (this.#isDrained()) for (const waiter of this.#drainWaiters.splice(0)) waiter.resolve()
    return entry
  }

  /** Sends what waits, as far as the window allows. Called after everything that may have made room. */
  pump(): void {
    while (!this.#halted && this.#sent + 1 - this.#settled <= this.#window) {
      const fromAgain = this.#again.length > 0
      if (fromAgain && this.#holding) break
      const waiting = fromAgain ? this.#again[0] : this.#slot
      if (!waiting || !this.#transmit(waiting)) break
      if (fromAgain) this.#again.shift()
      else this.#slot = undefined
      waiting.taken()
    }
    if (this.hasRoom) for (const wake of this.#roomWaiters.splice(0)) wake()
  }

  /** Nothing more is sent: a frame behind the word that closes its stream would be refused. What is on its way still gets its verdict. */
  halt(error: Error): void {
    if (this.#halted) return
    this.#halted = error
    this.#slot?.fail(error)
    this.#slot = undefined
    this.#again = []
    for (const wake of this.#roomWaiters.splice(0)) wake()
    if (this.#isDrained()) for (const waiter of this.#drainWaiters.splice(0)) waiter.resolve()
  }

  /** The stream is over; whoever waits gets the error. */
  close(error: Error): void {
    if (this.#closed) return
    this.#closed = error
    this.#over.resolve()
    for (const waiter of this.#drainWaiters.splice(0)) waiter.reject(error)
    this.halt(error)
  }

  /** Where in the stream a picture of the source in hand stands. */
  #place(mediaTime: number, capturedAt: number): number {
    const newest = this.#newest
    if (newest && this.#isFirstOfSource)
      this.#shift = mediaTime > newest.mediaTime ? 0 : newest.mediaTime - mediaTime + Math.max(1, capturedAt - newest.capturedAt)
    this.#isFirstOfSource = false
    const place = mediaTime + this.#shift
    if (!newest || place > newest.mediaTime) this.#newest = { mediaTime: place, capturedAt }
    return place
  }

  #transmit({ frame, capturedAt }: Waiting): boolean {
    const number = this.#sent + 1
    const { codec, width, height, mediaTime, keep = false } = frame
    const header = { stream: this.stream, frame: number, codec, keep, width, height, mediaTime, receivedAt: 0, verdictsRead: this.#settled }
    if (!this.#options.send(encodeFrame(header, frame.data))) return false
    this.#sent = number
    this.counts.sent++
    // Live pictures are not kept: nobody would send them again.
    this.#unsettled.set(number, { frame: this.policy === 'all' ? frame : undefined, mediaTime, capturedAt })
    return true
  }

  #sendAgain(frame: Frame, capturedAt: number): void {
    this.counts.resent++
    this.#again.push({ frame, capturedAt, taken: () => {}, fail: () => {} })
    if (this.#holding) return
    this.#holding = true
    this.#options.after(RESEND_PAUSE_MS, () => {
      this.#holding = false
      this.pump()
    })
  }

  #isDrained(): boolean {
    return !this.#slot && this.#again.length === 0 && this.#unsettled.size === 0
  }
}
