import { z } from 'zod'
import { answered } from '../answered.ts'
import { describeAll, describeFreshness } from '../describe.ts'
import { rangeOf, RangeInput } from '../range-input.ts'
import { visionTool } from '../vision-tool.ts'

/** Asks the vision model in free words. */
export const look = visionTool({
  name: 'look',
  description:
    'Asks the eyes a question about what is in view now, or in a span of time: what is there, what happens, what somebody does. The answer comes in words, with evidence where the eyes could point.',
  schema: z.object({ question: z.string().min(1).max(1000).describe('the question, complete in itself'), ...RangeInput }),
  async run({ session, stream, id, signal }, { question, ...range }) {
    const at = rangeOf(range, session.view(stream)?.mediaTime)
    const { text, evidence } = await answered(session.ask(question, { stream, id, signal, at }))
    const view = session.view(stream)
    const fresh = evidence[0] ? '' : view ? ` (${describeFreshness(view, session)})` : ''
    return { content: [`${text}${fresh}`, describeAll(evidence, session)].filter(Boolean).join('\n'), evidence }
  },
})
