import { openHouse } from '@fovea/cli'
import { atMost, round, type Bench } from './bench.ts'
import { Child } from './child.ts'
import type { OverloadOrder, OverloadReport } from './overload/camera.ts'
import { percentile, summary } from './percentile.ts'
import { descendants, processMemory } from './process-cpu.ts'

const SERVICE_MS = 100
const WINDOW = 2
const SESSIONS = 4
const SECONDS = 80
const FPS = (3 * 1000) / SERVICE_MS
const FRAME_BYTES = 40 * 1024
/** Memory of a hop may breathe by this much; what the cameras offer in this time is over 90 MB. */
const FLAT_MB = 24

const overload: Bench = {
  name: 'overload',
  about: `${SESSIONS} cameras offer ${FPS} frames a second each to a backend that sees ${1000 / SERVICE_MS} a second of each`,
  async run({ say, signal }) {
    await using house = await openHouse({ inference: 'none' })
    const edge = descendants(process.pid).find(({ name }) => name.includes('workerd'))
    if (!edge) throw new Error('No workerd process was started; the bench reads its memory from /proc and needs Linux.')
    const backend = new Child('./null-backend.ts', {
      FOVEA_EDGE_URL: house.url,
      FOVEA_BACKEND_KEY: house.backendKey,
      SERVICE_MS: String(SERVICE_MS),
      WINDOW: String(WINDOW),
    })
    const camera = new Child('./overload/camera.ts')
    try {
      await backend.hear()
      const order: OverloadOrder = { url: house.url, key: house.key, sessions: SESSIONS, fps: FPS, seconds: SECONDS, bytes: FRAME_BYTES }
      camera.tell(order)
      const memory: Record<string, number[]> = { edge: [], backend: [], camera: [] }
      const sampler = setInterval(() => {
        memory['edge']?.push(processMemory(edge.pid))
        memory['backend']?.push(processMemory(backend.pid))
        memory['camera']?.push(processMemory(camera.pid))
      }, 500)
      const report = await Promise.race([camera.hear<OverloadReport>(), aborted(signal)]).finally(() => clearInterval(sampler))
      const offered = SESSIONS * FPS * SECONDS
      const roundTrip = percentile(report.quietAges, 0.5) - SERVICE_MS
      const bound = (WINDOW + 1) * SERVICE_MS + Math.max(0, roundTrip)
      const growth = Object.fromEntries(Object.entries(memory).map(([hop, bytes]) => [hop, round(growthMb(bytes))]))
      const unsettled = report.sent - report.seen - report.dropped
      say(`offered ${offered}, replaced before they had a number ${report.replaced}, sent ${report.sent}, seen ${report.seen}, dropped ${report.dropped}`)
      say(`capture age p50 ${round(percentile(report.ages, 0.5))} ms, p95 ${round(percentile(report.ages, 0.95))} ms; [FR3] allows ${round(bound)} ms`)
      say(`memory growth, MB: ${JSON.stringify(growth)}`)
      return {
        goals: [
          atMost('[FR3] capture age of seen frames, p95, against (window + 1) x service + round trip', percentile(report.ages, 0.95) / bound, 1),
          atMost('[FR1] numbers without a verdict', unsettled, 0),
          ...Object.entries(growth).map(([hop, megabytes]) => atMost(`memory growth of the ${hop}, MB`, megabytes, FLAT_MB)),
        ],
        samples: {
          offered,
          ...report,
          ages: summary(report.ages),
          quietAges: summary(report.quietAges),
          boundMs: round(bound),
          memoryGrowthMb: growth,
          seenPerSecond: round(report.seen / SECONDS),
        },
      }
    } finally {
      await camera.stop()
      await backend.stop()
    }
  },
}
export default overload

/** Difference of the means of the third and the last quarter: before that heaps find their size. */
function growthMb(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4)
  const mean = (from: number) => samples.slice(from, from + quarter).reduce((sum, value) => sum + value, 0) / Math.max(1, quarter)
  return (mean(3 * quarter) - mean(2 * quarter)) / 1024 / 1024
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}
