import { ProtocolError, type TrackPrompt, type TrackUpdate } from '@fovea/protocol'
import { fill } from '../references.ts'
import { stepKind, type StepContext, type StepOf } from '../step.ts'

/** Follows one thing for a time, or until its stream closes. Gives `track`, `life` at the end, `frames`, `seen` (frames with it in view), `lost` (times), the last `box`, `from` and `to` in ms. */
export const follow = stepKind({
  kind: 'follow',
  gives: ['track', 'life', 'frames', 'seen', 'lost', 'from', 'to', 'box'],
  texts: (step) => (step.query === undefined ? [] : [step.query]),
  references: (step) => (step.from === undefined ? [] : [`${step.from}.evidence`]),
  problem: (step) =>
    step.query === undefined && step.from === undefined ? 'it follows a `query` or what an earlier step found (`from`); neither is given' : undefined,
  async run(step, context) {
    const { session, id, signal } = context
    const track = await session.follow(await promptOf(step, context), { stream: step.stream, id, signal })
    // After an interruption the time goes on from where it began, not anew.
    let from = typeof context.noted === 'number' ? context.noted : undefined
    let last: TrackUpdate | undefined
    let [frames, seen, lost] = [0, 0, 0]
    for await (const update of track) {
      signal?.throwIfAborted()
      if (from === undefined) context.note((from = update.mediaTime))
      if (update.life === 'ended') {
        last = { ...update, perception: last?.perception }
        break
      }
      frames++
      if (update.life === 'lost') lost += last?.life === 'lost' ? 0 : 1
      else if (update.perception?.box) seen++
      last = update.perception?.box || !last ? update : { ...update, perception: last.perception }
      if (step.forMs !== undefined && update.mediaTime - from >= step.forMs) break
    }
    track.stop()
    const box = last?.perception?.box
    return {
      output: { track: track.track, life: last?.life ?? 'tentative', frames, seen, lost, from: from ?? 0, to: last?.mediaTime ?? 0, ...(box && { box }) },
    }
  },
})

/** From the mask or the best box of earlier evidence; from the phrase where that showed nothing. */
async function promptOf(step: StepOf<'follow'>, { known, evidence }: StepContext): Promise<TrackPrompt> {
  if (step.from === undefined) {
    if (step.query === undefined)
      throw new ProtocolError('invalid-message', `Step ${step.id} follows a query or what an earlier step found (from); neither came.`)
    return { query: fill(step.query, known) }
  }
  const { query, frame, mask, regions, box } = await evidence(step.from)
  if (mask) return { mask, frame }
  const best = regions?.[0]?.box ?? box
  return best ? { box: best, frame } : { query: step.query === undefined ? query : fill(step.query, known) }
}
