import { z } from 'zod'
import { describeAll } from '../describe.ts'
import { visionTool } from '../vision-tool.ts'

/** How many? The number is the number of boxes that the region head finds [PE1]. */
export const count = visionTool({
  name: 'count',
  description: 'Counts things of one kind in view now. Gives the number and a box for each.',
  schema: z.object({ query: z.string().min(1).max(200).describe('what to count, as a bare phrase such as "cups"') }),
  async run({ session, stream, id, signal }, { query }) {
    const evidence = await session.locate(query, { stream, id, signal })
    return { content: `${evidence.regions?.length ?? 0} in view. ${describeAll([evidence], session)}`, evidence: [evidence] }
  },
})
