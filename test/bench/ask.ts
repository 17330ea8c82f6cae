import { openHouse } from '@fovea/cli'
import { openSession } from '@fovea/sdk'
import type { BareOrder, BareReport } from './bare/model.ts'
import { cameraJpeg, PICTURE } from './bare/picture.ts'
import { atLeast, atMost, round, type Bench } from './bench.ts'
import { Child } from './child.ts'
import { median } from './percentile.ts'

const ASKS = 12
const TEXT = 'where is the dog?'

const ask: Bench = {
  name: 'ask',
  about: 'first word, first evidence and words a second through the whole path, against the bare loop',
  async run({ say, signal }) {
    const jpeg = await cameraJpeg()
    const bare = new Child('./bare/model.ts')
    await using house = await openHouse({ studio: false })
    await house.ready
    try {
      const order: BareOrder = { frames: 12, jpeg: Buffer.from(jpeg).toString('base64'), ...PICTURE, text: TEXT }
      const measure = async (): Promise<BareReport> => {
        signal.throwIfAborted()
        bare.tell(order)
        return bare.hear<BareReport>()
      }
      const before = await measure()
      const session = await openSession(house)
      const out = session.openStream({ policy: 'all' })
      for (let frame = 0; frame < 16; frame++) await out.put({ data: jpeg, codec: 'jpeg', ...PICTURE, mediaTime: frame * 250 })
      await out.drained()
      const words: number[] = []
      const evidence: number[] = []
      const perSecond: number[] = []
      for (let index = 0; index < ASKS; index++) {
        signal.throwIfAborted()
        const start = performance.now()
        const answer = session.ask(TEXT)
        for await (const event of answer)
          if (event.type === 'answer-delta') {
            words.push(performance.now() - start)
            break
          }
        const { usage } = await answer
        const rest = usage.totalMs - (usage.firstWordMs ?? 0)
        // After the first word one step a token is left: the last one says that the answer ends.
        if (usage.answerTokens > 1 && usage.heads === 0) perSecond.push((usage.answerTokens / rest) * 1000)
        const forced = performance.now()
        await session.locate('the dog')
        evidence.push(performance.now() - forced)
      }
      await session.close()
      const after = await measure()
      const of = (pick: (report: BareReport) => number): number => (pick(before) + pick(after)) / 2
      const firstWord = of(({ prefillMs, stepMs }) => prefillMs + stepMs)
      const firstEvidence = firstWord * 1.2 + of(({ headMs }) => headMs) * 1.2
      const bareRate = 1000 / of(({ stepMs }) => stepMs)
      say(
        `first word ${round(median(words))} ms, bare prefill + step ${round(firstWord)}; evidence ${round(median(evidence))} ms, allowed ${round(firstEvidence)}`,
      )
      const goals = [
        atMost('first word against prefill + one step run bare', median(words) / firstWord, 1.2),
        atMost('first evidence against that + 1.2x of the head', median(evidence) / firstEvidence, 1),
      ]
      if (perSecond.length > 0) goals.push(atLeast('tokens a second against the bare decoder loop', median(perSecond) / bareRate, 0.8))
      return {
        goals,
        samples: {
          firstWordMs: round(median(words)),
          evidenceMs: round(median(evidence)),
          tokensPerSecond: round(median(perSecond)),
          bareTokensPerSecond: round(bareRate),
          bare: after,
        },
      }
    } finally {
      await bare.stop()
    }
  },
}
export default ask
