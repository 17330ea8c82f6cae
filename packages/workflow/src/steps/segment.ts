import { rleArea } from '@fovea/protocol'
import { fill } from '../references.ts'
import { stepKind } from '../step.ts'

/** Its outline. Gives `found`, `score`, `area` as a share of the picture, its `box` and the `evidence` id. */
export const segment = stepKind({
  kind: 'segment',
  gives: ['found', 'score', 'area', 'evidence', 'box'],
  texts: (step) => [step.query],
  async run(step, { session, known, id, signal }) {
    const { id: evidence, score, mask, box } = await session.segment(fill(step.query, known), { stream: step.stream, at: step.at, id, signal })
    const area = mask ? rleArea(mask) / (mask.size[0] * mask.size[1]) : 0
    return { output: { found: area > 0, score, area, evidence, ...(box && { box }) } }
  },
})
