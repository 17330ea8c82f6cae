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
  const line = toWidth * 3
  // A rolling window of rows, already narrowed: row y lives in place y mod `most`.
  const rows = new Int32Array(line * down.most)
  let ready = 0
  for (let y = 0; y < toHeight; y++) {
    const first = down.starts[y]!
    const count = down.counts[y]!
    ready = Math.max(ready, first)
    for (; ready < first + count; ready++) narrow(source, ready * width * 3, across, toWidth, rows, (ready % down.most) * line)
    blend(rows, line, down, y, target)
  }
}

const HALF = 1 << (2 * BITS - 1)

/** One output row from the narrowed rows it lies on. One, two and three rows are nearly all there is, and are written out: this loop is most of the cost. */
function blend(rows: Int32Array, line: number, { starts, counts, weights, most }: Taps, y: number, target: Uint8Array): void {
  const out = y * line
  const first = starts[y]!
  const count = counts[y]!
  const at = y * most
  const a = (first % most) * line
  const wa = weights[at]!
  if (count === 1) {
    for (let x = 0; x < line; x++) target[out + x] = (Math.imul(rows[a + x]!, wa) + HALF) >> (2 * BITS)
    return
  }
  const b = ((first + 1) % most) * line
  const wb = weights[at + 1]!
  if (count === 2) {
    for (let x = 0; x < line; x++) target[out + x] = (Math.imul(rows[a + x]!, wa) + Math.imul(rows[b + x]!, wb) + HALF) >> (2 * BITS)
    return
  }
  const c = ((first + 2) % most) * line
  const wc = weights[at + 2]!
  if (count === 3) {
    for (let x = 0; x < line; x++)
      target[out + x] = (Math.imul(rows[a + x]!, wa) + Math.imul(rows[b + x]!, wb) + Math.imul(rows[c + x]!, wc) + HALF) >> (2 * BITS)
    return
  }
  for (let x = 0; x < line; x++) {
    let sum = HALF
    for (let tap = 0; tap < count; tap++) sum += rows[((first + tap) % most) * line + x]! * weights[at + tap]!
    target[out + x] = sum >> (2 * BITS)
  }
}

/** One source row, brought to the output's width. */
function narrow(source: Uint8Array, at: number, { starts, counts, weights, most }: Taps, toWidth: number, rows: Int32Array, into: number): void {
  let to = into
  for (let x = 0; x < toWidth; x++) {
    let from = at + starts[x]! * 3
    const end = x * most + counts[x]!
    let weight = weights[x * most]!
    let red = Math.imul(source[from]!, weight)
    let green = Math.imul(source[from + 1]!, weight)
    let blue = Math.imul(source[from + 2]!, weight)
    for (let tap = x * most + 1; tap < end; tap++) {
      from += 3
      weight = weights[tap]!
      red = (red + Math.imul(source[from]!, weight)) | 0
      green = (green + Math.imul(source[from + 1]!, weight)) | 0
      blue = (blue + Math.imul(source[from + 2]!, weight)) | 0
    }
    rows[to] = red
    rows[to + 1] = green
    rows[to + 2] = blue
    to += 3
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
    // Each share up to here is rounded as one, so that what rounding leaves is spread over the taps and none is negative.
    let share = 0
    let given = 0
    shares.values.forEach((value, index) => {
      share += value
      const until = index === shares.values.length - 1 ? ONE : Math.round(share * ONE)
      made.weights[place * most + index] = until - given
      given = until
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
