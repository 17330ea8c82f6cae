import { boxArea, rleArea, type Box, type Evidence, type VisionSession } from '@fovea/protocol'

/** How old evidence is by its session's newest view: "as of 1.8 s ago". Empty where the session has no view to compare with. */
export function describeFreshness(evidence: Pick<Evidence, 'stream' | 'mediaTime'>, session: Pick<VisionSession, 'view'>): string {
  const view = session.view(evidence.stream)
  if (!view) return ''
  const age = Math.max(0, view.ageMs + view.mediaTime - evidence.mediaTime)
  return `as of ${seconds(age)} ago`
}

/** One line about one evidence, for a model to read: what, where, how sure, its id. Absence is said as such [PE2]. */
export function describeEvidence(evidence: Evidence): string {
  const { id, query, score, regions, mask, box, spans } = evidence
  const sure = `score ${round(score)}`
  if (spans) {
    if (spans.length === 0) return `"${query}" does not happen there [${id}] (${sure})`
    return `"${query}" happens ${spans.map((span) => `from ${seconds(span.start)} to ${seconds(span.end)} (score ${round(span.score)})`).join(', ')} [${id}]`
  }
  if (mask) {
    const area = rleArea(mask) / (mask.size[0] * mask.size[1])
    if (area === 0) return `"${query}" is not in view [${id}] (${sure})`
    return `"${query}" covers ${percent(area)} of the picture${box ? `, ${place(box)}` : ''} [${id}] (${sure})`
  }
  const boxes = regions ?? (box ? [{ box, score }] : [])
  if (boxes.length === 0) return `"${query}" is not in view [${id}] (${sure})`
  return `"${query}": ${boxes.length === 1 ? 'one box' : `${boxes.length} boxes`}, ${boxes.map((region) => `${place(region.box)} (score ${round(region.score)})`).join('; ')} [${id}]`
}

/** Several evidences with their freshness, one a line. */
export function describeAll(evidence: readonly Evidence[], session: Pick<VisionSession, 'view'>): string {
  return evidence.map((one) => [describeEvidence(one), describeFreshness(one, session)].filter(Boolean).join(', ')).join('\n')
}

/** A place in words and in numbers: models read the words, programs the artifact. */
function place(box: Box): string {
  const [x0, y0, x1, y1] = box
  const words = `${third((y0 + y1) / 2, ['top', 'middle', 'bottom'])} ${third((x0 + x1) / 2, ['left', 'centre', 'right'])}`
  return `${words}, ${percent(boxArea(box))} of the picture, box ${box.map(round).join(' ')}`
}

const third = (value: number, names: readonly [string, string, string]): string => names[value < 1 / 3 ? 0 : value > 2 / 3 ? 2 : 1]
const round = (value: number): string => value.toFixed(2)
const percent = (value: number): string => `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
