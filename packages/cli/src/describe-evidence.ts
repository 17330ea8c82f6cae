import { rleArea } from '@fovea/protocol'
import type { Evidence } from '@fovea/protocol'

/** One piece of evidence as a line for people: what was found, where and when; times in seconds. */
export function describeEvidence(evidence: Evidence): string {
  const { task, query, score } = evidence
  return `${task} "${query}" ${score.toFixed(2)}: ${found(evidence)}`
}

function found({ regions, mask, box, spans, frame, mediaTime, task, track }: Evidence): string {
  const at = `frame ${frame} at ${seconds(mediaTime)}`
  if (spans)
    return spans.length === 0 ? 'no such moment' : spans.map((span) => `${seconds(span.start)} – ${seconds(span.end)} (${span.score.toFixed(2)})`).join(', ')
  if (mask) {
    const [height, width] = mask.size
    const area = rleArea(mask)
    if (area === 0) return `not in view, ${at}`
    const share = (100 * area) / (width * height)
    return `${area} of ${width * height} pixels (${share.toFixed(1)} %)${box ? `, box ${coordinates(box)}` : ''}, ${at}`
  }
  if (regions)
    return regions.length === 0
      ? `not in view, ${at}`
      : `${regions.map((region) => `box ${coordinates(region.box)} (${region.score.toFixed(2)})`).join(', ')}, ${at}`
  if (box) return `box ${coordinates(box)}, ${at}`
  return task === 'track' && track ? `track ${track}, ${at}` : `not in view, ${at}`
}

/** Corners of a box, 0–1 from the top left. */
export function coordinates(box: readonly number[]): string {
  return box.map((value) => value.toFixed(3)).join(' ')
}

/** Milliseconds of media time, for people. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
