/** A jump back, a loop or a held picture goes on by this much. */
const STEP_MS = 20

/** Media time from a source's own time: from 0, always rising, also where a video starts again or stands still. */
export class RisingTime {
  #shift: number | undefined
  #last = -STEP_MS

  of(time: number): number {
    this.#shift ??= -time
    if (time + this.#shift <= this.#last) this.#shift = this.#last + STEP_MS - time
    this.#last = time + this.#shift
    return this.#last
  }
}
