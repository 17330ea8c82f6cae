type Taps = { starts: Int32Array; counts: Int32Array; weights: Int32Array; most: number }

const BITS = 11
const ONE = 1 << BITS
const cache = new Map<string, Taps>()

/**
 * Stretches RGB pixels to another size as the trainer does: areas are averaged where both axes shrink (OpenCV's INTER_AREA), else it is
 * interpolated linearly. Fixed point, two passes.
 */
export function resizeRgb(
  source: Uint8Array,
  [height, width]: readonly [number, number],
  target: Uint8Array,
  [toHeight, toWidth]: readonly [number, number],
): void {
  if (height === toHeight && width === toWidth) {
    target.set(source.subarray(0, height * width * 3))
    return
  }
  const areas = width > toWidth && height > toHeight
  const across = taps(width, toWidth, areas)
  const down = taps(height, toHeight, areas)
  const rows = new Int32Array(toWidth * 3 * down.most)
  const line = toWidth * 3
  // A rolling window of rows, already narrowed: row y lives in place y mod `most`.
  let ready = 0
  for (let y = 0; y < toHeight; y++) {
    const first = down.starts[y] ?? 0
    const count = down.counts[y] ?? 0
    ready = Math.max(ready, first)
    for (; ready < first + count; ready++) narrow(source, ready * width * 3, across, toWidth, rows, (ready % down.most) * line)
    const out = y * line
    for (let x = 0; x < line; x++) {
      let sum = 1 << (2 * BITS - 1)
      for (let tap = 0; tap < count; tap++) sum += rows[((first + tap) % down.most) * line + x]! * down.weights[y * down.most + tap]!
      target[out + x] = sum >> (2 * BITS)
    }
  }
}

function narrow(source: Uint8Array, at: number, { starts, counts, weights, most }: Taps, toWidth: number, rows: Int32Array, into: number): void {
  for (let x = 0; x < toWidth; x++) {
    let from = at + starts[x]! * 3
    let [red, green, blue] = [0, 0, 0]
    const end = x * most + counts[x]!
    for (let tap = x * most; tap < end; tap++) {
      const weight = weights[tap]!
      red += source[from]! * weight
      green += source[from + 1]! * weight
      blue += source[from + 2]! * weight
      from += 3
    }
    rows[into + x * 3] = red
    rows[into + x * 3 + 1] = green
    rows[into + x * 3 + 2] = blue
  }
}

/** Which source positions make an output position, and how much of each; weights sum to ONE exactly. */
function taps(from: number, to: number, areas: boolean): Taps {
  const key = `${from}:${to}:${areas}`
  const known = cache.get(key)
  if (known) return known
  const scale = from / to
  const most = Math.ceil(scale) + 1
  const made: Taps = { starts: new Int32Array(to), counts: new Int32Array(to), weights: new Int32Array(to * most), most }
  for (let place = 0; place < to; place++) {
    const shares = areas ? areaShares(place, scale, from) : linearShares(place, scale, from)
    made.starts[place] = shares.start
    made.counts[place] = shares.values.length
    let left = ONE
    shares.values.forEach((value, index) => {
      const weight = index === shares.values.length - 1 ? left : Math.round(value * ONE)
      made.weights[place * most + index] = weight
      left -= weight
    })
  }
  if (cache.size > 64) cache.clear()
  cache.set(key, made)
  return made
}

function areaShares(place: number, scale: number, size: number): { start: number; values: number[] } {
  const [from, to] = [place * scale, Math.min(size, (place + 1) * scale)]
  const start = Math.floor(from + 1e-6)
  const end = Math.min(size, Math.ceil(to - 1e-6))
  return { start, values: Array.from({ length: end - start }, (_, index) => (Math.min(to, start + index + 1) - Math.max(from, start + index)) / (to - from)) }
}

function linearShares(place: number, scale: number, size: number): { start: number; values: number[] } {
  const at = Math.min(size - 1, Math.max(0, (place + 0.5) * scale - 0.5))
  const start = Math.min(size - 1, Math.floor(at))
  return start + 1 < size && at > start ? { start, values: [1 - (at - start), at - start] } : { start, values: [1] }
}
