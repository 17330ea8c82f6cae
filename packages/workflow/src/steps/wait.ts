import { stepKind } from '../step.ts'

/** Waits by the clock. The time it ends is noted, so that an interruption does not begin it anew. */
export const wait = stepKind({
  kind: 'wait',
  gives: ['ms'],
  async run(step, { now, noted, note }) {
    if (typeof noted !== 'number') {
      const until = now() + step.ms
      note(until)
      return { until }
    }
    return now() >= noted ? { output: { ms: step.ms } } : { until: noted }
  },
})
