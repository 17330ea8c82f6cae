/** The 95 % interval of a figure over items that come in groups (the asks of a clip): whole groups are drawn again, with repetition. Seeded, so a run repeats. */
export function bootstrap<T>(
  groups: readonly (readonly T[])[],
  figure: (items: T[]) => number,
  { samples = 1000, seed = 1 } = {},
): [low: number, high: number] {
  if (groups.length === 0) return [0, 0]
  const random = mulberry32(seed)
  const figures = Array.from({ length: samples }, () => figure(groups.flatMap(() => groups[Math.floor(random() * groups.length)] ?? []))).toSorted(
    (a, b) => a - b,
  )
  return [percentile(figures, 0.025), percentile(figures, 0.975)]
}

/** Linear between neighbours, as numpy's default. */
function percentile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const [below = 0, above = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return below + (above - below) * (at - Math.floor(at))
}

function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
