import { openHouse, type House } from '@fovea/cli'
import { openSession, type OutStream, type Session } from '@fovea/sdk'
import type { BareOrder, FramesReport, Prepared } from './bare/model.ts'
import { cameraJpeg, PICTURE } from './bare/picture.ts'
import { atLeast, atMost, round, type Bench, type Goal } from './bench.ts'
import { Child } from './child.ts'
import { median, summary } from './percentile.ts'
import { cpuDuring, descendants } from './process-cpu.ts'

const ROUNDS = 10
/** Frames of one round: bare, and served for each session. */
const FRAMES = 16
const WARM = 4
const TURBO = 'jpeg-turbo'

type Round = { served: { inference: number; edge: number; wallMs: number; frames: number; ages: number[] }; bare: FramesReport }

const serve: Bench = {
  name: 'serve',
  about: `JPEG ${PICTURE.width}x${PICTURE.height} in, verdict with boxes out, against decoder and graphs alone in one thread`,
  async run({ say, signal }) {
    const jpeg = await cameraJpeg()
    const bare = new Child('./bare/model.ts')
    const tell = async <Report>(order: BareOrder): Promise<Report> => {
      signal.throwIfAborted()
      bare.tell(order)
      return bare.hear<Report>()
    }
    await using house = await openHouse({ studio: false })
    await house.ready
    const inference = house.backends[0]?.pid
    const edge = descendants(process.pid).find(({ name }) => name.includes('workerd'))
    if (!inference || !edge) throw new Error('The house has an edge and a backend.')
    try {
      const { decoder, found } = await tell<Prepared>({ prepare: { jpeg: Buffer.from(jpeg).toString('base64'), ...PICTURE, text: 'the dog' } })
      say(`fastest decoder here: ${decoder}`)
      const goals: Goal[] = []
      const samples: Record<string, unknown> = { decoder, decoders: found }
      for (const sessions of [1, 4, 8]) {
        const ready = await prepare(house, sessions, jpeg)
        const rounds: Round[] = []
        // Side by side: what else the machine does falls on both.
        for (let index = 0; index < ROUNDS; index++) {
          const { result, cpuMs, wallMs } = await cpuDuring({ inference, edge: edge.pid }, () => load(ready))
          const served = { inference: cpuMs['inference'] ?? 0, edge: cpuMs['edge'] ?? 0, wallMs, ...result }
          rounds.push({ served, bare: await tell<FramesReport>({ frames: FRAMES }) })
        }
        for (const { session } of ready) await session.close()
        const sum = (of: (one: Round) => number) => rounds.reduce((total, one) => total + of(one), 0)
        const frames = sum(({ served }) => served.frames)
        const cpu = sum(({ served }) => served.inference) / frames
        const bound = sum((one) => one.bare.cpuMs) / ROUNDS
        const throughput = median(rounds.map(({ served, bare: { frameMs } }) => (served.frames / served.wallMs) * frameMs))
        const added = sessions > 1 ? Number.NaN : median(rounds.map(({ served, bare: { frameMs } }) => median(served.ages) - frameMs))
        const edgeCpu = sum(({ served }) => served.edge) / frames
        say(
          `${sessions} session(s): ${round(cpu)} ms of CPU a frame, bound ${round(bound)}; edge ${round(edgeCpu)}; ${round(throughput)}x of the bound's frames a second`,
        )
        goals.push(atMost(`CPU per frame against decoder + graphs, ${sessions} session(s)`, cpu / bound, 1.1))
        // A single session has one frame on its way at a time, so its rate is its latency.
        if (sessions > 1) goals.push(atLeast(`throughput against decoder + graphs, ${sessions} session(s)`, throughput, 0.9))
        else goals.push(atMost('added latency at one session, p50, ms', added, 5))
        samples[`sessions${sessions}`] = {
          cpuPerFrame: round(cpu),
          boundPerFrame: round(bound),
          edgePerFrame: round(edgeCpu),
          throughput: round(throughput),
          addedMs: round(added),
          age: summary(rounds.flatMap(({ served }) => served.ages)),
          bareFrameMs: round(median(rounds.map((one) => one.bare.frameMs))),
        }
      }
      // Without the fast decoder there is no bound to hold against.
      return { goals: TURBO in found ? goals : [], samples: TURBO in found ? samples : { ...samples, withoutGoals: goals } }
    } finally {
      await bare.stop()
    }
  },
}
export default serve

type Ready = { session: Session; out: OutStream; put: () => Promise<void> }

/** Sessions with one standing query each, compiled: what a session costs once is not what a frame costs. */
async function prepare(house: House, count: number, jpeg: Uint8Array): Promise<Ready[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const session = await openSession(house)
      const out = session.openStream({ policy: 'all' })
      session.watch('the dog')
      let frame = 0
      const put = (): Promise<void> => out.put({ data: jpeg, codec: 'jpeg', ...PICTURE, mediaTime: frame++ * 100 })
      for (let index = 0; index < WARM; index++) await put()
      await out.drained()
      return { session, out, put }
    }),
  )
}

/** FRAMES pictures for each session; a single one sends one at a time, and its ages, from picture to verdict read, are the service's own. */
async function load(ready: readonly Ready[]): Promise<{ frames: number; ages: number[] }> {
  const ages: number[] = []
  await Promise.all(
    ready.map(async ({ out, put }) => {
      for (let frame = 0; frame < FRAMES; frame++) {
        const start = performance.now()
        await put()
        if (ready.length > 1) continue
        await out.drained()
        ages.push(performance.now() - start)
      }
      await out.drained()
    }),
  )
  return { frames: FRAMES * ready.length, ages }
}
