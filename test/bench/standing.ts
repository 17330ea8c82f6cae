import { openHouse } from '@fovea/cli'
import { openSession } from '@fovea/sdk'
import { cameraJpeg, PICTURE } from './bare/picture.ts'
import { atMost, round, type Bench } from './bench.ts'
import { median } from './percentile.ts'

const PHRASES = [
  'the dog',
  'a person',
  'the cup',
  'a car',
  'the chair',
  'a bottle',
  'the bird',
  'a phone',
  'the book',
  'a bus',
  'the cat',
  'a clock',
  'the bed',
  'a kite',
  'the boat',
  'a fork',
]
const FRAMES = 24
const WARM = 3

const standing: Bench = {
  name: 'standing',
  about: 'what standing queries cost a frame: region 0, 1, 4, 16; mask 1, 4',
  async run({ say, signal }) {
    const jpeg = await cameraJpeg()
    await using house = await openHouse({ studio: false })
    await house.ready
    const rows: Record<string, { encode: number; heads: number; perSecond: number }> = {}
    for (const [task, count] of [
      ['region', 0],
      ['region', 1],
      ['region', 4],
      ['region', 16],
      ['mask', 1],
      ['mask', 4],
    ] as const) {
      signal.throwIfAborted()
      const session = await openSession(house)
      const out = session.openStream({ policy: 'all' })
      for (const phrase of PHRASES.slice(0, count)) session.watch(phrase, { task })
      const seen: { encode: number; heads: number }[] = []
      const reading = (async () => {
        for await (const result of session.results()) if (result.type === 'frame-seen') seen.push(result.timings)
      })()
      reading.catch(() => {})
      const start = performance.now()
      for (let frame = 0; frame < FRAMES; frame++) await out.put({ data: jpeg, codec: 'jpeg', ...PICTURE, mediaTime: frame * 100 })
      await out.drained()
      const steady = seen.slice(WARM)
      rows[`${task}${count}`] = {
        encode: median(steady.map(({ encode }) => encode)),
        heads: median(steady.map(({ heads }) => heads)),
        perSecond: round((FRAMES / (performance.now() - start)) * 1000),
      }
      say(`${count} ${task}: encode ${rows[`${task}${count}`]?.encode} ms, heads ${rows[`${task}${count}`]?.heads} ms`)
      await session.close()
    }
    const encode = median(Object.values(rows).map((row) => row.encode))
    const next = (task: string): number => ((rows[`${task}4`]?.heads ?? Number.NaN) - (rows[`${task}1`]?.heads ?? Number.NaN)) / 3 / encode
    return {
      goals: [atMost('the 4th region query against the encoder', next('region'), 0.1), atMost('the 4th mask query against the encoder', next('mask'), 0.25)],
      samples: rows,
    }
  },
}
export default standing
