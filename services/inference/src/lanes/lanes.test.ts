import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lanes, type Lane } from './lanes.ts'

/** A lane whose turns take a while of a clock that only they move. */
class FakeLane implements Lane {
  readonly name: string
  readonly runs: number[] = []
  waiting = 0
  notBefore = 0
  readonly #time: { now: number }
  readonly #cost: number

  constructor(name: string, time: { now: number }, cost: number) {
    this.name = name
    this.#time = time
    this.#cost = cost
  }

  readyAt(): number {
    return this.waiting > 0 ? this.notBefore : Infinity
  }

  async turn(now: number): Promise<void> {
    this.waiting--
    this.runs.push(now)
    this.#time.now += this.#cost
  }
}

function world(costs: number[]) {
  const time = { now: 0 }
  const lanes = costs.map((cost, index) => new FakeLane(`lane ${index}`, time, cost))
  const slept: number[] = []
  const errors: unknown[] = []
  const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
    slept.push(ms)
    if (Number.isFinite(ms)) time.now += ms
    else await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }
  return { time, lanes, slept, errors, loop: new Lanes(lanes, { clock: () => time.now, sleep, onError: (_lane, error) => errors.push(error) }) }
}
const settled = async (lanes: FakeLane[]): Promise<void> => {
  while (lanes.some((lane) => lane.waiting > 0)) await new Promise((resolve) => setImmediate(resolve))
}

test('no lane starves another: while several have work, their turns differ by one at most', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 30 })), { minLength: 2, maxLength: 3 }), async (work) => {
      const { lanes, loop } = world(work.map(([cost]) => cost))
      lanes.forEach((lane, index) => (lane.waiting = work[index]?.[1] ?? 0))
      loop.wake()
      await settled(lanes)
      await loop.close()
      const least = Math.min(...work.map(([, count]) => count))
      const common = Math.max(...lanes.map((lane) => lane.runs[least - 1] ?? 0))
      for (const lane of lanes) expect(Math.abs(lane.runs.filter((at) => at <= common).length - least)).toBeLessThanOrEqual(1)
    }),
    { numRuns: 40 },
  )
})

test('a lane that waits for a fuller batch is called when its time comes, not before', async () => {
  const { lanes, loop, slept } = world([1])
  const [lane] = lanes
  if (!lane) throw new Error('one lane')
  lane.waiting = 1
  lane.notBefore = 5
  loop.wake()
  await settled(lanes)
  await loop.close()
  expect([lane.runs, slept[0]]).toEqual([[5], 5])
})

test('an error of one turn is told and stops nothing', async () => {
  const { lanes, loop, errors } = world([1, 1])
  const [broken, sound] = lanes
  if (!broken || !sound) throw new Error('two lanes')
  broken.turn = async () => {
    broken.waiting--
    throw new Error('broken')
  }
  broken.waiting = 2
  sound.waiting = 3
  loop.wake()
  await settled(lanes)
  await loop.close()
  expect([errors.length, sound.runs.length]).toEqual([2, 3])
})
