import type { Perception, WatchBody } from '@fovea/protocol'
import type { Head, Sight } from '../heads/head.ts'

export type WatchTimes = { refreshMs: number; everyMs: number }
/** How much of its usual consistency a query may lose before it is compiled again, and how soon after the last time. */
const FALLEN = 0.6
const SOONEST_MS = 1000

/**
 * A standing query [TR1]: its phrase is compiled once; then only the head runs. It is compiled again on schedule, or when the head stops agreeing
 * with itself, and each `everyMs` where the head cannot stand. Times are media times: a paused stream costs nothing.
 */
export class Watch {
  readonly body: WatchBody
  readonly head: Head
  readonly #times: WatchTimes
  state: Float32Array | undefined
  compiling: Promise<void> | undefined
  stopped = false
  /** frames in a row on which its head broke */
  faults = 0
  #compiledAt = -Infinity
  #missedAt: number | undefined
  #ranAt = -Infinity
  #usual = 0
  #lately = 1

  constructor(body: WatchBody, head: Head, times: WatchTimes) {
    this.body = body
    this.head = head
    this.#times = { ...times, everyMs: body.everyMs ?? times.everyMs }
  }

  /** Whether the language model should be asked (again) before or beside this frame. */
  needsCompiling(mediaTime: number): boolean {
    if (this.compiling || this.stopped) return false
    if (!this.state) return true
    if (this.#missedAt !== undefined && Math.abs(mediaTime - this.#missedAt) < SOONEST_MS) return false
    const age = mediaTime - this.#compiledAt
    if (!this.head.standing) return age >= this.#times.everyMs
    return age >= this.#times.refreshMs || (age >= SOONEST_MS && this.#lately < this.#usual * FALLEN)
  }

  compiled(state: Float32Array, mediaTime: number): void {
    this.state = state
    this.#missedAt = undefined
    this.#compiledAt = mediaTime
    this.#usual = 0
    this.#lately = 1
  }

  /** It could not be compiled again: the query stands on what it had, and the next try waits. */
  missed(mediaTime: number): void {
    this.#missedAt = mediaTime
  }

  /** Whether the head runs on this frame. */
  due(mediaTime: number): boolean {
    if (!this.state || this.stopped) return false
    return this.body.everyMs === undefined || mediaTime - this.#ranAt >= this.body.everyMs || mediaTime < this.#ranAt
  }

  /** What the head saw, as it goes into the verdict. */
  perceive({ consistency, score, regions, mask, box }: Sight, mediaTime: number): Perception {
    this.#ranAt = mediaTime
    this.#lately = this.#lately * 0.7 + consistency * 0.3
    this.#usual = Math.max(this.#usual, this.#lately)
    const least = this.body.minScore ?? 0
    const absent = score < Math.max(least, this.head.threshold)
    return {
      watch: this.body.watch,
      task: this.head.task,
      score,
      ...(regions ? { regions: absent ? [] : regions.filter((region, index) => index === 0 || region.score >= least) } : {}),
      ...(mask && !absent ? { mask } : {}),
      ...(box && !absent ? { box } : {}),
    }
  }
}
