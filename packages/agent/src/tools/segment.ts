import { z } from 'zod'
import { describeAll } from '../describe.ts'
import { visionTool } from '../vision-tool.ts'

/** Its exact outline in one frame. */
export const segment = visionTool({
  name: 'segment',
  description: 'Outlines a thing in view now, pixel by pixel. Gives the share of the picture that it covers and its place, or says that it is not in view.',
  schema: z.object({ query: z.string().min(1).max(200).describe('the thing as a bare phrase') }),
  async run({ session, stream, id, signal }, { query }) {
    const evidence = await session.segment(query, { stream, id, signal })
    return { content: describeAll([evidence], session), evidence: [evidence] }
  },
})
