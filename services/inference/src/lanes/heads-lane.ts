import { FairQueue, type Job } from './fair-queue.ts'
import type { Lane } from './lanes.ts'

/** A piece of stateful work on one session's scene: the standing queries and tracks of a frame, or the start of a track. */
export interface HeadsJob extends Job {
  run(): Promise<void>
  fail(error: unknown): void
}

/** The heads' lane: stateful, so at most one frame of a session at a time, in the order its frames were encoded. */
export class HeadsLane implements Lane {
  readonly name = 'heads'
  readonly #queue: FairQueue<HeadsJob>

  constructor(limits: { total: number; perSession: number }) {
    this.#queue = new FairQueue(limits)
  }

  get waiting(): number {
    return this.#queue.size
  }

  submit(job: HeadsJob): boolean {
    return this.#queue.push(job)
  }

  readyAt(): number {
    return this.#queue.size > 0 ? 0 : Infinity
  }

  async turn(now: number): Promise<void> {
    const { jobs } = this.#queue.take(now, { perSession: 1 })
    for (const job of jobs) await job.run().catch((error: unknown) => job.fail(error))
  }
}
