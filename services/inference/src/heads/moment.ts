import type { MomentHead, Span } from '@fovea/protocol'
import { BundleError } from '../model/bundle-error.ts'
import { floatOf, type Graph } from '../model/graph.ts'
import { rounded, unit, type Head } from './head.ts'

/** Spans of media time for a phrase, and how much each frame of the window has to do with it. */
export function momentHead(manifest: MomentHead, { main }: { main: Graph }): Head {
  const { task, token, standing, threshold, nms } = manifest
  return {
    task,
    token,
    standing,
    threshold,
    needsWindow: true,
    async run({ scene, window }, states) {
      if (!window) throw new BundleError(main.file, 'the moment head looks at a window of frames; none was given.')
      const results = await main.run({ ...scene.features, visual: window.visual, times: window.times, state: states })
      const spans = floatOf(results, 'spans', main)
      const scores = floatOf(results, 'scores', main).data
      const saliency = floatOf(results, 'saliency', main)
      const object = floatOf(results, 'object', main).data
      const from = window.mediaTimes[0] ?? 0
      const length = (window.mediaTimes.at(-1) ?? 0) - from
      const latest = lasting(window.mediaTimes)
      const count = spans.dims[1] ?? 0
      const frames = saliency.dims[1] ?? 0
      return Array.from(object, (presence, query) => {
        const found = Array.from({ length: count }, (_, index): Span => {
          const row = query * count + index
          const place = (side: number): number => Math.min(latest, Math.max(0, spans.data[row * 2 + side] ?? 0))
          const [a, b] = [place(0), place(1)]
          return { start: tenths(from + Math.min(a, b) * length), end: tenths(from + Math.max(a, b) * length), score: unit(scores[row] ?? 0) }
        })
        const best = suppressSpans(found, nms)
        const values = Array.from(saliency.data.subarray(query * frames, (query + 1) * frames), unit)
        const top = best[0]?.score ?? 0
        const spansSeen = presence >= threshold ? best.filter((span) => span.score >= threshold) : []
        return {
          score: unit(spansSeen.length > 0 ? presence : Math.min(presence, top)),
          spans: spansSeen,
          saliency: { from, step: frames > 1 ? rounded(length / (frames - 1)) : 0, values },
          consistency: unit(1 - Math.abs(presence - top)),
        }
      })
    },
  }
}

/** Milliseconds as they are told: a head's fractions are no finer. */
const tenths = (ms: number): number => Math.round(ms * 10) / 10

/** Where a span may end, as a fraction of the window: what goes on in the last frame lasts until the next would come. */
function lasting(times: readonly number[]): number {
  const [first = 0, before = 0, last = 0] = [times[0], times.at(-2), times.at(-1)]
  return last > first ? 1 + (last - before) / (last - first) : 1
}

/** Greedy suppression in time, best first. */
export function suppressSpans(spans: readonly Span[], iou: number): Span[] {
  const kept: Span[] = []
  for (const span of spans.toSorted((a, b) => b.score - a.score)) {
    if (kept.every((other) => spanIou(other, span) <= iou)) kept.push(span)
  }
  return kept
}

function spanIou(a: Span, b: Span): number {
  const overlap = Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start))
  const union = a.end - a.start + (b.end - b.start) - overlap
  return union > 0 ? overlap / union : 0
}
