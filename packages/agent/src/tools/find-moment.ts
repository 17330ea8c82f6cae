import { z } from 'zod'
import { describeAll } from '../describe.ts'
import { rangeOf, RangeInput } from '../range-input.ts'
import { visionTool } from '../vision-tool.ts'

/** When does it happen? */
export const findMoment = visionTool({
  name: 'find_moment',
  description: 'Finds when something happens in the video so far, or in a span of it. Gives start and end in seconds, or says that it does not happen.',
  schema: z.object({ query: z.string().min(1).max(200).describe('what happens, as a bare phrase such as "the dog jumps"'), ...RangeInput }),
  async run({ session, stream, id, signal }, { query, ...range }) {
    const at = rangeOf({ from: 0, ...range }, session.view(stream)?.mediaTime)
    const evidence = await session.findMoment(query, { stream, id, signal, at })
    return { content: describeAll([evidence], session), evidence: [evidence] }
  },
})
