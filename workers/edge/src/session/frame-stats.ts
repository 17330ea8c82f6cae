import type { Stats } from '@fovea/protocol'
import type { StreamCounters } from './frame-gate.ts'

const KEPT = 100
const EVERY_MS = 2000

/** How long frames took from their arrival here to their verdict: the last hundred. */
export class FrameStats {
  readonly #times: number[] = []
  #next = 0
  #toldAt = 0

  add(ms: number): void {
    this.#times[this.#next] = ms
    this.#next = (this.#next + 1) % KEPT
  }

  /** True every two seconds while frames come. */
  due(now: number): boolean {
    if (now - this.#toldAt < EVERY_MS) return false
    this.#toldAt = now
    return true
  }

  message(counters: readonly StreamCounters[]): Stats {
    const times = this.#times.toSorted((a, b) => a - b)
    const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0
    return {
      type: 'stats',
      streams: counters.map(({ stream, sent, pending, dropped }) => ({
        stream,
        sent,
        seen: sent - pending.length - dropped,
        dropped,
        pending: pending.length,
      })),
      timings: { p50: at(0.5), p95: at(0.95) },
    }
  }
}
