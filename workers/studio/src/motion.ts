import type { Box } from '@fovea/protocol'

type Sample = { at: number; box: Box }

/** How far past the last verdict a box is carried on along its way: beyond this a guess would be an invention. */
const AHEAD_MS = 250

/**
 * Where a box is between and just after the verdicts that told of it. Times are media time, so that a pause of the video
 * pauses the boxes. `at` interpolates between the last two verdicts and goes on straight for at most AHEAD_MS.
 */
export class Motion {
  #last: Sample
  #before: Sample | undefined

  constructor(at: number, box: Box) {
    this.#last = { at, box }
  }

  get lastAt(): number {
    return this.#last.at
  }

  get lastBox(): Box {
    return this.#last.box
  }

  /** A verdict says where it is. Verdicts come in order; one that is not newer corrects the last. */
  tell(at: number, box: Box): void {
    if (at > this.#last.at) this.#before = this.#last
    this.#last = { at, box }
  }

  at(time: number): Box {
    const { at, box } = this.#last
    const before = this.#before
    if (!before || at - before.at <= 0) return box
    const ahead = Math.min(time - at, AHEAD_MS, at - before.at)
    const along = Math.max(-1, ahead / (at - before.at))
    return mapBox(box, before.box, (value, was) => clamp(value + (value - was) * along))
  }
}

/** Moves a drawn box toward where it should be: most of the way in 80 ms, so that a correction glides and does not jump. */
export function glide(drawn: Box, target: Box, elapsedMs: number): Box {
  const share = 1 - Math.exp(-elapsedMs / 40)
  return mapBox(drawn, target, (value, goal) => value + (goal - value) * share)
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value))
}

function mapBox(a: Box, b: Box, combine: (a: number, b: number) => number): Box {
  return [combine(a[0], b[0]), combine(a[1], b[1]), combine(a[2], b[2]), combine(a[3], b[3])]
}
