import { fill } from '../references.ts'
import { stepKind } from '../step.ts'

/** Tells the outside: a durable event with a name and values. Gives the `data` it told. */
export const event = stepKind({
  kind: 'event',
  gives: ['data'],
  texts: (step) => Object.values(step.data ?? {}),
  async run(step, { known, noted, tell }) {
    const data = Object.fromEntries(Object.entries(step.data ?? {}).map(([key, text]) => [key, fill(text, known)]))
    // Told before an interruption: not told again.
    if (noted !== true) tell(step.name, data)
    return { output: { data } }
  },
})
