/** The stretch of media time that the timeline shows. */
export type TimeWindow = { from: number; to: number }

/**
 * Which stretch to show: the last `length` ms up to now, the whole when `length` is 0. Until there is more than that, the
 * row begins at 0 and fills from the left, so that nothing moves that need not.
 */
export function timeWindow(now: number, length: number): TimeWindow {
  if (length === 0) return { from: 0, to: Math.max(5000, now) }
  return now <= length ? { from: 0, to: length } : { from: now - length, to: now }
}

/** Where a moment lies in the window: 0 at its start, 1 at its end. */
export function along(time: number, { from, to }: TimeWindow): number {
  return (time - from) / (to - from)
}

const STEPS = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000]

/** Round times for the ruler, about one in `spacing` pixels. */
export function ticks(window: TimeWindow, pixels: number, spacing = 90): number[] {
  const least = ((window.to - window.from) * spacing) / Math.max(1, pixels)
  const step = STEPS.find((one) => one >= least) ?? 1_800_000
  const first = Math.ceil(window.from / step) * step
  const count = Math.max(0, Math.floor((window.to - first) / step) + 1)
  return Array.from({ length: count }, (_, index) => first + index * step)
}
