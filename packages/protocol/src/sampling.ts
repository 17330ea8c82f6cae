import type { AskAt } from './ask.ts'

export type Sampling = { frames: number; everyMs: number }

/**
 * Which kept frames the model sees [AS7]: `times` are the media times of kept frames, rising. `{frame}` and `now` take
 * T frames that end there, `everyMs` apart: for each target time the newest kept frame at or before it, and the oldest
 * where none is that old. A range takes T targets uniform over it, nearest kept frame each (the earlier of two equally near).
 * Returns T indices into `times`, rising. The trainer has the same function; both read the golden cases of schemas/golden.
 */
export function sampleFrames(times: readonly number[], at: { end: number } | { from: number; to: number }, { frames, everyMs }: Sampling): number[] {
  if (times.length === 0) throw new RangeError('sampleFrames needs at least one kept frame.')
  if ('end' in at) {
    return Array.from({ length: frames }, (_, index) => newestAtOrBefore(times, at.end - (frames - 1 - index) * everyMs))
  }
  const step = frames > 1 ? (at.to - at.from) / (frames - 1) : 0
  return Array.from({ length: frames }, (_, index) => nearest(times, frames > 1 ? at.from + index * step : at.to))
}

function newestAtOrBefore(times: readonly number[], target: number): number {
  let found = 0
  for (let index = 0; index < times.length && (times[index] ?? Infinity) <= target; index++) found = index
  return found
}

function nearest(times: readonly number[], target: number): number {
  let best = 0
  for (let index = 1; index < times.length; index++) {
    if (Math.abs((times[index] ?? 0) - target) < Math.abs((times[best] ?? 0) - target)) best = index
  }
  return best
}

/** True where an ask names a range of media time. */
export function isRange(at: AskAt): at is { from: number; to: number } {
  return typeof at === 'object' && 'from' in at
}
