import { fill } from '../references.ts'
import { stepKind } from '../step.ts'

/** Where is it? Gives `found`, `count`, `score`, the best `box` and the `evidence` id. */
export const locate = stepKind({
  kind: 'locate',
  gives: ['found', 'count', 'score', 'evidence', 'box'],
  texts: (step) => [step.query],
  async run(step, { session, known, id, signal }) {
    const { id: evidence, score, regions = [] } = await session.locate(fill(step.query, known), { stream: step.stream, at: step.at, id, signal })
    const best = regions[0]
    return { output: { found: regions.length > 0, count: regions.length, score, evidence, ...(best && { box: best.box }) } }
  },
})
