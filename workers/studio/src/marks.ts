import type { Evidence } from '@fovea/protocol'
import type { ColourBook } from './colours.ts'
import type { Lane } from './lanes.ts'
import type { Mark } from './overlay.ts'
import type { Shape } from './scene.ts'
import { score } from './time-text.ts'

/** What stands, as the overlay draws it. A thing whose lane is gone is not drawn. */
export function shapeMark(shape: Shape, lane: Lane | undefined, colours: ColourBook): Mark | undefined {
  if (!lane) return undefined
  const { box, mask, alpha, trail, life } = shape
  const edge = shape.kind === 'watch' ? (mask ? 'none' : 'line') : life === 'tentative' ? 'dashed' : 'corners'
  return { box, mask, alpha, trail, edge, colour: colours.of(lane.colour), label: `${lane.title} ${score(shape.score)}` }
}

/** What a piece of evidence shows in its own frame: a mark for each box, one for an outline, none for absence or a moment. */
export function evidenceMarks(evidence: Evidence, colours: ColourBook): Mark[] {
  const base = { colour: colours.of(evidence.query), alpha: 1, trail: [] }
  if (evidence.mask)
    return [{ ...base, box: evidence.box, mask: { rle: evidence.mask, box: evidence.box }, edge: 'none', label: `${evidence.query} ${score(evidence.score)}` }]
  const boxes = evidence.regions ?? (evidence.box ? [{ box: evidence.box, score: evidence.score }] : [])
  return boxes.map((region) => ({ ...base, box: region.box, mask: undefined, edge: 'line', label: `${evidence.query} ${score(region.score)}` }))
}
