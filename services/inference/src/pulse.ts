import { clock } from './clock.ts'

/** Bytes of shared memory a pulse takes. */
export const PULSE_BYTES = 32
/** A run this many times as long as the longest of the warm-up hangs, though never one shorter than HANGS_AFTER_MS [EP2]. */
const TIMES = 10
const HANGS_AFTER_MS = 10_000

/** Since when the device runs a graph, in memory that both threads see: the thread that runs it is blocked and could not say. */
export class Pulse {
  // 0: start of the run in progress, or 0 · 1: longest run of the warm-up · 2: busy ms in all · 3: 1 when warm
  readonly #cells: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Float64Array(memory)
  }

  mark(running: boolean): void {
    const now = clock()
    const began = this.#cells[0] ?? 0
    if (!running && began > 0) {
      const ms = now - began
      this.#cells[2] = (this.#cells[2] ?? 0) + ms
      if (this.#cells[3] !== 1) this.#cells[1] = Math.max(this.#cells[1] ?? 0, ms)
    }
    this.#cells[0] = running ? now : 0
  }

  /** The warm-up is over: from now on its longest run is the measure. */
  warm(): void {
    this.#cells[3] = 1
  }

  /** Milliseconds the device has run graphs, in all. */
  get busyMs(): number {
    return this.#cells[2] ?? 0
  }

  get hangs(): boolean {
    const began = this.#cells[0] ?? 0
    return this.#cells[3] === 1 && began > 0 && clock() - began > Math.max(HANGS_AFTER_MS, (this.#cells[1] ?? 0) * TIMES)
  }
}
