import { fill } from '../references.ts'
import { stepKind } from '../step.ts'

/** How many? Gives `count` and the `evidence` id: the number is the number of boxes [PE1]. */
export const count = stepKind({
  kind: 'count',
  gives: ['count', 'evidence'],
  texts: (step) => [step.query],
  async run(step, { session, known, id, signal }) {
    const { id: evidence, regions = [] } = await session.locate(fill(step.query, known), { stream: step.stream, at: step.at, id, signal })
    return { output: { count: regions.length, evidence } }
  },
})
