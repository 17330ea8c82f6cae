import { followObjects, type Joining } from '../../../services/inference/src/evaluation/follow-objects.ts'
import { openMaskPart } from '../../../services/inference/src/model/mask-part.ts'
import { takeOrders } from '../orders.ts'
import { median } from '../percentile.ts'

/** Objects through so many pictures; what counts are the last `steady` of them, when the memory is full. */
export type FollowOrder = { objects: number; frames: number; steady: number }
/** CPU milliseconds a frame; of the same frame's graphs, each run again by itself; and by graph. */
export type FollowReport = { frameMs: number; wallMs: number; bareMs: number; graphs: Record<string, number> }

/** Where they are pointed out: a click, a box, a click. */
const OBJECTS: Joining[] = [
  { frame: 0, points: [[0.2, 0.2, 1]] },
  { frame: 0, box: [0.6, 0.2, 0.8, 0.4] },
  { frame: 0, points: [[0.4, 0.7, 1]] },
]
const AGAIN = 3

/** Of the frame after those that count, where each graph runs again by itself on what the frame feeds it; undefined before. */
let bare: Map<string, number> | undefined
const part = await openMaskPart(process.env['FOVEA_BENCH_PART'] ?? '', {
  watch: async (name, run) => {
    if (bare) {
      for (let round = 0; round < AGAIN; round++) {
        const start = now().cpu
        await run()
        bare.set(name, Math.min(bare.get(name) ?? Infinity, now().cpu - start))
      }
    }
    return run()
  },
})

const [height, width] = part.size
const NOISE = [31, 57].map((step) => Uint8Array.from({ length: height * width * 3 }, (_, at) => (at * step) & 255))

takeOrders<FollowOrder>(async ({ objects, frames, steady }): Promise<FollowReport> => {
  const cpu: number[] = []
  const wall: number[] = []
  bare = undefined
  let mark = now()
  for await (const { frame } of followObjects(part, pictures(frames + 1), OBJECTS.slice(0, objects))) {
    const end = now()
    if (frame >= frames - steady && frame < frames) {
      cpu.push(end.cpu - mark.cpu)
      wall.push(end.wall - mark.wall)
    }
    if (frame === frames - 1) bare = new Map()
    mark = now()
  }
  const graphs = Object.fromEntries(bare ?? [])
  const bareMs = Object.values(graphs).reduce((sum, ms) => sum + ms, 0)
  return { frameMs: median(cpu), wallMs: median(wall), bareMs, graphs }
})

function now(): { cpu: number; wall: number } {
  const { user, system } = process.cpuUsage()
  return { cpu: (user + system) / 1000, wall: performance.now() }
}

/** Noise, two pictures in turn: what is seen does not change what it costs. */
function* pictures(count: number): Generator<Uint8Array> {
  for (let frame = 0; frame < count; frame++) yield NOISE[frame % NOISE.length] ?? new Uint8Array(0)
}
