import type { Saliency, Sampling, Span } from '@fovea/protocol'
import type { Sight, Window } from '../heads/head.ts'

/** A long range in overlapping windows of the length the model knows [AS7]: each is looked at alone, and what was seen is put together. */
export class Survey {
  readonly #windows: (() => Promise<Window>)[]
  readonly #sights: Sight[] = []
  /** the window being looked at */
  window: Window | undefined
  /** true between opening a window and feeding it */
  opened = false

  constructor(windows: readonly (() => Promise<Window>)[]) {
    this.#windows = [...windows]
  }

  /** The next window, or undefined when all were looked at. */
  async open(): Promise<Window | undefined> {
    this.window = await this.#windows.shift()?.()
    this.opened = this.window !== undefined
    return this.window
  }

  add(sight: Sight): void {
    this.#sights.push(sight)
  }

  merged(): Sight {
    const score = Math.max(0, ...this.#sights.map((sight) => sight.score))
    const consistency = Math.max(0, ...this.#sights.map((sight) => sight.consistency))
    const saliency = mergeSaliency(this.#sights.flatMap((sight) => sight.saliency ?? []))
    return { score, consistency, spans: mergeSpans(this.#sights.flatMap((sight) => sight.spans ?? [])), ...(saliency ? { saliency } : {}) }
  }
}

/** Half-overlapping windows over a range that is longer than one and a half of what the model sees at once; none where it is not. */
export function surveyRanges({ from, to }: { from: number; to: number }, { frames, everyMs }: Sampling, most = 32): { from: number; to: number }[] {
  const span = (frames - 1) * everyMs
  if (span <= 0 || to - from <= span * 1.5) return []
  const count = Math.min(most, Math.ceil((to - from - span) / (span / 2)) + 1)
  const stride = (to - from - span) / (count - 1)
  return Array.from({ length: count }, (_, index) => ({ from: from + index * stride, to: from + index * stride + span }))
}

/** Spans of neighbouring windows that share at least half of the shorter one are one event: its ends are the outermost, its score the best. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: Span[] = []
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const before = merged.at(-1)
    const shared = before ? Math.min(before.end, span.end) - Math.max(before.start, span.start) : -1
    const shorter = before ? Math.min(before.end - before.start, span.end - span.start) : 0
    if (before && shared >= 0 && shared >= shorter / 2)
      merged[merged.length - 1] = { start: before.start, end: Math.max(before.end, span.end), score: Math.max(before.score, span.score) }
    else merged.push(span)
  }
  return merged.toSorted((a, b) => b.score - a.score)
}

/** A window over a burst has steps of less than a millisecond; the whole range is not told as finely as that. */
const MOST_VALUES = 1024

/** One curve over the whole range: where windows overlap, the higher value. */
export function mergeSaliency(curves: readonly Saliency[]): Saliency | undefined {
  const finest = Math.min(...curves.map((curve) => curve.step).filter((each) => each > 0))
  if (!Number.isFinite(finest)) return curves[0]
  const from = Math.min(...curves.map((curve) => curve.from))
  const to = Math.max(...curves.map((curve) => curve.from + curve.step * (curve.values.length - 1)))
  const step = Math.max(finest, (to - from) / (MOST_VALUES - 1))
  const values = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, index) => {
    const time = from + index * step
    return Math.max(0, ...curves.map((curve) => curve.values[Math.round((time - curve.from) / curve.step)] ?? 0))
  })
  return { from, step, values }
}
