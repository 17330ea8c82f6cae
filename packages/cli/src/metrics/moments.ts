import type { SpanMs } from './record.ts'

type ScoredSpan = { span: SpanMs; score: number }

const MOST_SPANS = 10
const AP_THRESHOLDS = Array.from({ length: 10 }, (_, index) => (50 + 5 * index) / 100)

/** Overlap over hull: the union where they overlap, 0 where they do not. */
export function spanIou(a: SpanMs, b: SpanMs): number {
  const shared = Math.max(0, Math.min(a[1], b[1]) - Math.max(a[0], b[0]))
  const hull = Math.max(a[1], b[1]) - Math.min(a[0], b[0])
  return hull > 0 ? shared / hull : 0
}

/** IoU of the best-scoring span with the truth it fits best. */
export function topIou(spans: readonly ScoredSpan[], truths: readonly SpanMs[]): number {
  const [first, ...rest] = spans
  if (!first || truths.length === 0) return 0
  const best = rest.reduce((top, span) => (span.score > top.score ? span : top), first)
  return Math.max(...truths.map((truth) => spanIou(best.span, truth)))
}

/** Mean over IoU .5 to .95 of the average precision of one question. */
export function meanAp(spans: readonly ScoredSpan[], truths: readonly SpanMs[]): number {
  return AP_THRESHOLDS.reduce((sum, threshold) => sum + averagePrecision(spans, truths, threshold), 0) / AP_THRESHOLDS.length
}

/** At most ten spans, by falling score, each truth found once; area under the interpolated curve (VOC 2011). */
export function averagePrecision(spans: readonly ScoredSpan[], truths: readonly SpanMs[], threshold: number): number {
  if (truths.length === 0 || spans.length === 0) return 0
  const free = new Set(truths)
  const ordered = spans.toSorted((a, b) => b.score - a.score).slice(0, MOST_SPANS)
  let found = 0
  const curve = ordered.map(({ span }, index) => {
    const fits = truths.filter((truth) => free.has(truth) && spanIou(span, truth) >= threshold).toSorted((a, b) => spanIou(span, b) - spanIou(span, a))
    if (fits[0]) {
      free.delete(fits[0])
      found++
    }
    return { precision: found / (index + 1), recall: found / truths.length }
  })
  let area = 0
  let last = 0
  curve.forEach(({ recall }, index) => {
    if (recall === last) return
    area += (recall - last) * Math.max(...curve.slice(index).map(({ precision }) => precision))
    last = recall
  })
  return area
}

/** The span that as the answer to all has the highest mean IoU, its ends on a grid of 24. */
export function bestConstantSpan(asks: readonly (readonly SpanMs[])[], steps = 24): { value: number; span: SpanMs } {
  const told = asks.filter((truths) => truths.length > 0)
  let best: { value: number; span: SpanMs } = { value: 0, span: [0, 0] }
  const end = Math.max(0, ...told.flat().map((truth) => truth[1]))
  for (let from = 0; from < steps; from++) {
    for (let to = from + 1; to <= steps; to++) {
      const span: SpanMs = [(end * from) / steps, (end * to) / steps]
      const value = told.reduce((sum, truths) => sum + Math.max(...truths.map((truth) => spanIou(span, truth))), 0) / told.length
      if (value > best.value) best = { value, span }
    }
  }
  return best
}
