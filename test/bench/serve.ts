import { openHouse, type House } from '@fovea/cli'
import { openSession, type OutStream, type Session } from '@fovea/sdk'
import type { BareOrder, BareReport } from './bare/model.ts'
import { cameraJpeg, PICTURE } from './bare/picture.ts'
import { atLeast, atMost, round, type Bench } from './bench.ts'
import { Child } from './child.ts'
import { median, summary } from './percentile.ts'
import { cpuDuring, descendants } from './process-cpu.ts'

const FRAMES = 32
const WARM = 4

const serve: Bench = {
  name: 'serve',
  about: `JPEG ${PICTURE.width}x${PICTURE.height} in, verdict with boxes out, against decoder and graphs alone in one thread`,
  async run({ say, signal }) {
    const jpeg = await cameraJpeg()
    const bare = new Child('./bare/model.ts')
    await using house = await openHouse({ studio: false })
    await house.ready
    const inference = house.backends[0]?.pid
    const edge = descendants(process.pid).find(({ name }) => name.includes('workerd'))
    if (!inference || !edge) throw new Error('The house has an edge and a backend.')
    const order: BareOrder = { frames: FRAMES, jpeg: Buffer.from(jpeg).toString('base64'), ...PICTURE, text: 'the dog' }
    const measureBare = async (): Promise<BareReport> => {
      signal.throwIfAborted()
      bare.tell(order)
      return bare.hear<BareReport>()
    }
    try {
      const goals = []
      const samples: Record<string, unknown> = {}
      for (const sessions of [1, 4, 8]) {
        // Before and after: on a machine that does other work the bound moves too.
        const before = await measureBare()
        const ready = await prepare(house, sessions, jpeg)
        const { result, cpuMs, wallMs } = await cpuDuring({ inference, edge: edge.pid }, () => load(ready))
        for (const { session } of ready) await session.close()
        const after = await measureBare()
        const bound = (before.decode + before.encode + before.head + after.decode + after.encode + after.head) / 2
        const frameMs = (before.frameMs + after.frameMs) / 2
        const frames = result.count
        const cpu = (cpuMs['inference'] ?? 0) / frames
        const own = result.ages.length > 0 ? median(result.ages) - frameMs : Number.NaN
        say(
          `${sessions} session(s): ${round(cpu)} ms of CPU a frame, bound ${round(bound)}; edge ${round((cpuMs['edge'] ?? 0) / frames)}; ${round((frames / wallMs) * 1000)} frames/s`,
        )
        goals.push(atMost(`CPU per frame against decoder + graphs, ${sessions} session(s)`, cpu / bound, 1.1))
        goals.push(atLeast(`throughput against decoder + graphs, ${sessions} session(s)`, (frames / wallMs) * frameMs, sessions === 1 ? 0 : 0.9))
        if (sessions === 1) goals.push(atMost('added latency at one session, p50, ms', own, 5))
        samples[`sessions${sessions}`] = {
          cpuPerFrame: round(cpu),
          boundPerFrame: round(bound),
          edgePerFrame: round((cpuMs['edge'] ?? 0) / frames),
          framesPerSecond: round((frames / wallMs) * 1000),
          age: summary(result.ages),
          bare: after,
        }
      }
      return { goals: goals.filter((goal) => goal.goal !== '>= 0'), samples }
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

/** FRAMES pictures over the sessions; a single one sends one at a time, so that its age is the service's own. */
async function load(ready: readonly Ready[]): Promise<{ count: number; ages: number[] }> {
  const ages: number[] = []
  const each = Math.ceil(FRAMES / ready.length)
  await Promise.all(
    ready.map(async ({ session, out, put }) => {
      const reading = (async () => {
        for await (const result of session.results()) if (result.type === 'frame-seen') ages.push(result.captureAgeMs)
      })()
      reading.catch(() => {})
      for (let frame = 0; frame < each; frame++) {
        await put()
        if (ready.length === 1) await settled(out, WARM + frame + 1)
      }
      await out.drained()
    }),
  )
  return { count: each * ready.length, ages }
}

async function settled(out: OutStream, count: number): Promise<void> {
  while (out.counts.seen + out.counts.dropped < count) await new Promise((resolve) => setTimeout(resolve, 1))
}
