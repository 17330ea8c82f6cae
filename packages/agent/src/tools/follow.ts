import { ProtocolError, type Evidence, type TrackPrompt, type VisionSession } from '@fovea/protocol'
import { z } from 'zod'
import { describeAll } from '../describe.ts'
import { visionTool, type Looking } from '../vision-tool.ts'

/** Keeps an eye on one thing, from evidence seen before or from a phrase. */
export const follow = visionTool({
  name: 'follow',
  description:
    'Keeps following one thing from now on. Give the id of evidence that shows it, or a phrase. A thing that is not in view yet is followed once it appears.',
  schema: z.object({
    query: z.string().min(1).max(200).optional().describe('the thing as a bare phrase'),
    evidence: z.string().optional().describe('the id of an evidence that shows it, such as ev_0123456789'),
  }),
  async run(looking, { query, evidence }) {
    const seen = evidence !== undefined ? await recalled(looking.session, evidence) : await located(looking, query)
    const prompt = promptOf(seen)
    const stream = seen?.stream ?? looking.stream
    const track = await looking.session.follow(prompt, { stream, id: looking.id, signal: looking.signal })
    const how = 'query' in prompt ? 'it will be followed as soon as it is in view' : 'followed from there'
    return { content: `Track ${track.track}: ${how}. ${describeAll([seen], looking.session)}`, evidence: [seen] }
  },
})

async function recalled(session: VisionSession, id: string): Promise<Evidence> {
  const evidence = await session.recall(id)
  if (!evidence) throw new ProtocolError('not-found', `There is no evidence ${id} in this session. Locate the thing again.`)
  return evidence
}

async function located({ session, stream, id, signal }: Looking, query: string | undefined): Promise<Evidence> {
  if (query === undefined) throw new ProtocolError('invalid-message', 'follow takes a query or an evidence id; neither came.')
  return session.locate(query, { stream, id, signal })
}

/** What is shown is followed from where it is; what is absent, from its phrase. */
function promptOf({ query, frame, mask, regions, box }: Evidence): TrackPrompt {
  if (mask) return { mask, frame }
  const best = regions?.[0]?.box ?? box
  return best ? { box: best, frame } : { query }
}
