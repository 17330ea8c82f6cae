import { fill } from '../references.ts'
import { stepKind } from '../step.ts'

/** When does it happen? Gives `found`, `count`, `start` and `end` of the best span in ms, `score` and the `evidence` id. */
export const findMoment = stepKind({
  kind: 'find-moment',
  gives: ['found', 'count', 'score', 'evidence', 'start', 'end'],
  texts: (step) => [step.query],
  async run(step, { session, known, id, signal }) {
    const { id: evidence, score, spans = [] } = await session.findMoment(fill(step.query, known), { stream: step.stream, at: step.at, id, signal })
    const best = spans.toSorted((a, b) => b.score - a.score)[0]
    return { output: { found: spans.length > 0, count: spans.length, score, evidence, ...(best && { start: best.start, end: best.end }) } }
  },
})
