import type { Box } from '@fovea/protocol'

/** How sure a box is, and how much a speed may change from frame to frame, as variances in units of the picture. */
const MEASURED = 1e-4
const CHANGE = 1e-5
const UNKNOWN = 1e-2

/** Place and speed of one coordinate, with what is known of them: a Kalman filter of constant speed, a frame at a time. */
type Coordinate = { place: number; speed: number; p00: number; p01: number; p11: number }

/** Where the box of an object should be next. Its centre and sides move at a speed each; after `settle` sure frames in a row that is worth listening to. */
export class BoxMotion {
  readonly #settle: number
  #coordinates: Coordinate[] | undefined
  #sure = 0

  constructor(settle: number) {
    this.#settle = settle
  }

  /** The expected box of the next frame; undefined until the motion is known. */
  expected(): Box | undefined {
    if (!this.#coordinates || this.#sure < this.#settle) return undefined
    const [x = 0, y = 0, width = 0, height = 0] = this.#coordinates.map(({ place, speed }) => place + speed)
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
  }

  /** A frame has passed, and this is what was surely seen in it, or nothing. */
  step(box: Box | undefined): void {
    this.#sure = box ? this.#sure + 1 : 0
    if (!this.#coordinates) {
      if (box) this.#coordinates = measures(box).map((place) => ({ place, speed: 0, p00: MEASURED, p01: 0, p11: UNKNOWN }))
      return
    }
    const seen = box && measures(box)
    this.#coordinates = this.#coordinates.map((coordinate, index) => corrected(moved(coordinate), seen?.[index]))
  }
}

/** The share that two boxes have in common. */
export function overlap(a: Box, b: Box): number {
  const inside = side(Math.max(a[0], b[0]), Math.min(a[2], b[2])) * side(Math.max(a[1], b[1]), Math.min(a[3], b[3]))
  const all = area(a) + area(b) - inside
  return all > 0 ? inside / all : 0
}

function moved({ place, speed, p00, p01, p11 }: Coordinate): Coordinate {
  return { place: place + speed, speed, p00: p00 + 2 * p01 + p11 + CHANGE / 4, p01: p01 + p11 + CHANGE / 2, p11: p11 + CHANGE }
}

function corrected(expected: Coordinate, seen: number | undefined): Coordinate {
  if (seen === undefined) return expected
  const { place, speed, p00, p01, p11 } = expected
  const gain = p00 / (p00 + MEASURED)
  const gainSpeed = p01 / (p00 + MEASURED)
  const off = seen - place
  return { place: place + gain * off, speed: speed + gainSpeed * off, p00: (1 - gain) * p00, p01: (1 - gain) * p01, p11: p11 - gainSpeed * p01 }
}

function measures([x0, y0, x1, y1]: Box): [number, number, number, number] {
  return [(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]
}

const side = (from: number, to: number): number => Math.max(0, to - from)
const area = ([x0, y0, x1, y1]: Box): number => side(x0, x1) * side(y0, y1)
