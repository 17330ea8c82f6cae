/** Media time for people: 83_400 → `1:23.4`. */
export function clock(ms: number): string {
  const tenths = Math.round(Math.max(0, ms) / 100)
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`
}

/** A length of time for people: 84 → `84 ms`, 1_240 → `1.2 s`, 75_000 → `1:15`. */
export function span(ms: number): string {
  if (ms < 999.5) return `${Math.round(Math.max(0, ms))} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** A score for people: `0.94`, `1.00`. */
export function score(value: number): string {
  return value.toFixed(2)
}
