/**
 * Media time at this moment, told by the frames as they are captured: a frame's media time plus what has passed since.
 * It stands still when the source does, and never runs ahead of a frame that did not come.
 */
export class MediaClock {
  readonly #now: () => number
  #mediaTime = 0
  #capturedAt: number | undefined
  #longest = 500

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A frame was captured. */
  tell(mediaTime: number, capturedAt: number): void {
    if (this.#capturedAt !== undefined) this.#longest = Math.max(200, Math.min(2000, 3 * (capturedAt - this.#capturedAt)))
    this.#mediaTime = mediaTime
    this.#capturedAt = capturedAt
  }

  reset(): void {
    this.#mediaTime = 0
    this.#capturedAt = undefined
    this.#longest = 500
  }

  get time(): number {
    if (this.#capturedAt === undefined) return 0
    return this.#mediaTime + Math.min(this.#longest, Math.max(0, this.#now() - this.#capturedAt))
  }
}
