import { openHouse } from '@fovea/cli'
import { openSession, type Session } from '@fovea/sdk'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BareOrder, Prepared, TalkReport } from './bare/model.ts'
import { cameraJpeg, PICTURE } from './bare/picture.ts'
import { atLeast, atMost, round, type Bench } from './bench.ts'
import { Child } from './child.ts'
import { median } from './percentile.ts'

const ROUNDS = 40
const WARM = 5
const TEXT = 'where is the dog?'
/** A question whose answer is long, so that words a second are those of the loop and not of its ends. */
const LONG = 'what happens?'
const MEMORY = '/dev/shm'

type Round = { firstWord: number; evidence: number; tokenMs: number; bare: TalkReport }

const ask: Bench = {
  name: 'ask',
  about: 'first word, first evidence and words a second through the whole path, against the bare loop',
  async run({ say, signal }) {
    const jpeg = await cameraJpeg()
    const bare = new Child('./bare/model.ts')
    const tell = async <Report>(order: BareOrder): Promise<Report> => {
      signal.throwIfAborted()
      bare.tell(order)
      return bare.hear<Report>()
    }
    try {
      await tell<Prepared>({ prepare: { jpeg: Buffer.from(jpeg).toString('base64'), ...PICTURE, text: TEXT } })
      /** Each round asks through the whole path, then does the same work bare, so that both meet the same machine. */
      const rounds = async (dataDir: string): Promise<Round[]> => {
        await using house = await openHouse({ studio: false, dataDir, vars: { LIMITS: JSON.stringify({ asksPerMinute: 100_000 }) } })
        await house.ready
        const session = await openSession(house)
        const out = session.openStream({ policy: 'all' })
        for (let frame = 0; frame < 16; frame++) await out.put({ data: jpeg, codec: 'jpeg', ...PICTURE, mediaTime: frame * 250 })
        await out.drained()
        const all: Round[] = []
        for (let index = 0; index < ROUNDS + WARM; index++) {
          const firstWord = await firstWordOf(session, TEXT)
          const start = performance.now()
          await session.locate('the dog')
          const evidence = performance.now() - start
          const { usage } = await session.ask(LONG)
          // After the first word one step a token is left: the last one says that the answer ends.
          const tokenMs = (usage.totalMs - (usage.firstWordMs ?? 0)) / usage.answerTokens
          const about = await tell<TalkReport>({ talk: TEXT, long: LONG })
          if (index >= WARM) all.push({ firstWord, evidence, tokenMs, bare: about })
        }
        await session.close()
        return all
      }
      const [disk, memory] = [freshFolder(tmpdir()), freshFolder(MEMORY)]
      const results = { disk: await rounds(disk), memory: await rounds(memory) }
      const syncMs = { disk: syncOf(disk), memory: syncOf(memory) }
      for (const dir of [disk, memory]) rmSync(dir, { recursive: true, force: true })
      for (const [where, all] of Object.entries(results)) {
        const { firstWord, evidence, tokens } = ratiosOf(all)
        say(
          `log in ${where}: first word ${round(firstWord)}x, first evidence ${round(evidence)}x of what is allowed, tokens a second ${round(tokens)}x of the bare loop`,
        )
      }
      say(`a write is safe on the disk after ${round(syncMs.disk)} ms, in memory after ${round(syncMs.memory)} ms`)
      const { firstWord, evidence, tokens } = ratiosOf(results.disk)
      return {
        goals: [
          atMost('first word against prefill + one step run bare', firstWord, 1.2),
          atMost('first evidence against that + 1.2x of the head', evidence, 1),
          atLeast('tokens a second against the bare decoder loop', tokens, 0.8),
        ],
        samples: { disk: samplesOf(results.disk), memory: samplesOf(results.memory), syncMs },
      }
    } finally {
      await bare.stop()
    }
  },
}
export default ask

async function firstWordOf(session: Session, text: string): Promise<number> {
  const start = performance.now()
  const answer = session.ask(text)
  let first = Number.NaN
  for await (const event of answer) if (event.type === 'answer-delta' && Number.isNaN(first)) first = performance.now() - start
  return first
}

const freshFolder = (under: string) => mkdtempSync(join(under, 'fovea-bench-'))
const firstOf = ({ prefillMs, stepMs }: TalkReport) => prefillMs + stepMs

/** Each round against its own bare one; the one in the middle. */
function ratiosOf(all: readonly Round[]) {
  return {
    firstWord: median(all.map(({ firstWord, bare }) => firstWord / firstOf(bare))),
    evidence: median(all.map(({ evidence, bare }) => evidence / (1.2 * firstOf(bare) + 1.2 * bare.headMs))),
    tokens: median(all.map(({ tokenMs, bare }) => bare.tokenMs / tokenMs)),
  }
}

function samplesOf(all: readonly Round[]) {
  const of = (pick: (one: Round) => number) => round(median(all.map(pick)))
  return {
    ...ratiosOf(all),
    firstWordMs: of((one) => one.firstWord),
    evidenceMs: of((one) => one.evidence),
    tokensPerSecond: of((one) => 1000 / one.tokenMs),
    bareTokensPerSecond: of((one) => 1000 / one.bare.tokenMs),
    barePrefillMs: of((one) => one.bare.prefillMs),
    bareHeadMs: of((one) => one.bare.headMs),
  }
}

/** How long a page of a log in this folder takes until the disk has it: an event is sent after that [EV1]. */
function syncOf(folder: string): number {
  const file = openSync(join(folder, 'sync'), 'w')
  const page = Buffer.alloc(4096)
  const times = Array.from({ length: 50 }, (_, index) => {
    writeSync(file, page, 0, page.length, index * page.length)
    const start = performance.now()
    fdatasyncSync(file)
    return performance.now() - start
  })
  closeSync(file)
  return round(median(times))
}
