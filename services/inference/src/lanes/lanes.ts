/** One kind of work on the device. A turn is one run; after it control goes back, so that no lane starves another. */
export interface Lane {
  readonly name: string
  /** when the next turn may start by the clock: a time in the past or now, a time to wait for, or Infinity where nothing waits */
  readyAt(now: number): number
  turn(now: number): Promise<void>
}

export type LanesOptions = {
  clock: () => number
  /** Resolves after `ms` (which may be Infinity), or at once when `signal` aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>
  onError: (lane: string, error: unknown) => void
}

/** The one loop of a device: gives each lane that is ready one turn, in rotation, and sleeps when none is. */
export class Lanes {
  readonly #lanes: readonly Lane[]
  readonly #options: LanesOptions
  #alarm = new AbortController()
  #closed = false
  #done: Promise<void> | undefined

  constructor(lanes: readonly Lane[], options: LanesOptions) {
    this.#lanes = lanes
    this.#options = options
  }

  /** Says that work came in. */
  wake(): void {
    this.#alarm.abort()
    this.#done ??= this.#run()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#alarm.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { clock, sleep, onError } = this.#options
    while (!this.#closed) {
      this.#alarm = new AbortController()
      let ran = false
      for (const lane of this.#lanes) {
        if (lane.readyAt(clock()) > clock()) continue
        ran = true
        try {
          await lane.turn(clock())
        } catch (error) {
          onError(lane.name, error)
        }
      }
      if (ran) continue
      const next = Math.min(...this.#lanes.map((lane) => lane.readyAt(clock())))
      await sleep(next - clock(), this.#alarm.signal)
    }
  }
}
