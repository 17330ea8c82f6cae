import { z } from 'zod'
import { describeAll } from '../describe.ts'
import { visionTool } from '../vision-tool.ts'

/** Where is it? */
export const locate = visionTool({
  name: 'locate',
  description: 'Finds where a thing is in view now. Gives its boxes, or says that it is not in view.',
  schema: z.object({ query: z.string().min(1).max(200).describe('the thing as a bare phrase, such as "the red cup on the left"') }),
  async run({ session, stream, id, signal }, { query }) {
    const evidence = await session.locate(query, { stream, id, signal })
    return { content: describeAll([evidence], session), evidence: [evidence] }
  },
})
