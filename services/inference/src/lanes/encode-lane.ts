import { FairQueue, type Job } from './fair-queue.ts'
import type { Lane } from './lanes.ts'

export interface EncodeJob extends Job {
  readonly queuedAt: number
}

type Options<Frame> = {
  limits: { total: number; perSession: number }
  batch: { frames: number; delayMs: number }
  /** how many sessions may send frames at all: with one frame of each, waiting longer gains nothing */
  liveSessions: () => number
  encode: (frames: Frame[], now: number) => Promise<void>
  late: (frame: Frame) => void
}

/** The vision encoder's lane: stateless, batched over sessions, never waiting longer than the provider's delay for a fuller batch. */
export class EncodeLane<Frame extends EncodeJob> implements Lane {
  readonly name = 'encode'
  readonly #queue: FairQueue<Frame>
  readonly #options: Options<Frame>
  #oldest = Infinity

  constructor(options: Options<Frame>) {
    this.#options = options
    this.#queue = new FairQueue(options.limits)
  }

  get waiting(): number {
    return this.#queue.size
  }

  submit(frame: Frame): boolean {
    const taken = this.#queue.push(frame)
    if (taken) this.#oldest = Math.min(this.#oldest, frame.queuedAt)
    return taken
  }

  /** Takes out a session's frames, as it closes. */
  remove(session: string): Frame[] {
    return this.#queue.remove((frame) => frame.session === session)
  }

  readyAt(): number {
    if (this.#queue.size === 0) return Infinity
    const { batch, liveSessions } = this.#options
    const full = this.#queue.size >= batch.frames || this.#queue.sessions >= liveSessions()
    return full ? 0 : this.#oldest + batch.delayMs
  }

  async turn(now: number): Promise<void> {
    const { jobs, late } = this.#queue.take(now, { max: this.#options.batch.frames })
    this.#oldest = this.#queue.size > 0 ? now : Infinity
    for (const frame of late) this.#options.late(frame)
    if (jobs.length > 0) await this.#options.encode(jobs, now)
  }
}
