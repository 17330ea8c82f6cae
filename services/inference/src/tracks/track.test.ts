import type { FromBackend, TrackPrompt } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { squares, squareTracker, type Fed } from '../../test/square-tracker.ts'
import { pointOnFrame, stepTracks, Track } from './track.ts'

const frame = (number: number, mediaTime = number * 100) => ({ frame: number, mediaTime, width: 80, height: 80 })
const track = (prompt: TrackPrompt, id = 't') => new Track({ track: id, stream: 1, prompt })
const kinds = (messages: FromBackend[]) => messages.map((message) => message.type)

test('[TR2] from a box: the object is followed as it moves, lost when it goes, found when it comes back', async () => {
  const tracker = squareTracker()
  const followed = track({ box: [0, 0, 0.25, 0.25], frame: 1 })
  const places = [squares({ colour: 1, x: 2, y: 0 }), squares({ colour: 1, x: 4, y: 4 }), squares(), squares(), squares(), squares({ colour: 1, x: 6, y: 6 })]
  const first = await pointOnFrame(tracker, followed, squares({ colour: 1, x: 0, y: 0 }), frame(1))
  expect(first.perceptions[0]).toMatchObject({ track: 't', task: 'track', life: 'tentative', box: [0, 0, expect.closeTo(0.25, 1), expect.closeTo(0.25, 1)] })
  const told: string[] = []
  const boxes: (number | undefined)[] = []
  for (const [index, scene] of places.entries()) {
    const { perceptions, messages } = await stepTracks(tracker, [followed], scene, frame(index + 2))
    told.push(...kinds(messages))
    boxes.push(perceptions[0]?.box?.[0])
  }
  expect(told).toEqual(['track-confirmed', 'track-lost', 'track-found'])
  expect(boxes.map((x) => (x === undefined ? undefined : Math.round(x * 8)))).toEqual([2, 4, undefined, undefined, undefined, 6])
})

test('[TR2] from a phrase: it is tried on each frame until the thing comes into view, and that frame is its prompt', async () => {
  const fed: Fed[] = []
  const tracker = squareTracker(fed)
  const phrase = track({ query: 'the blue square' })
  expect(await stepTracks(tracker, [phrase], squares(), frame(1))).toEqual({ perceptions: [], messages: [] })
  phrase.state = Float32Array.of(3)
  const steps = [squares({ colour: 1, x: 0, y: 0 }), squares({ colour: 3, x: 0, y: 0 }), squares({ colour: 3, x: 1, y: 0 })]
  const lives = []
  for (const [index, scene] of steps.entries()) lives.push((await stepTracks(tracker, [phrase], scene, frame(index + 2))).perceptions[0]?.life)
  expect(lives).toEqual(['tentative', 'tentative', 'confirmed'])
  expect(fed.map(({ promptAge, valid }) => [promptAge[0], valid.reduce((sum, each) => sum + each, 0)])).toEqual([
    [0, 0],
    [0, 0],
    [1, 1],
  ])
})

test('the memory holds the prompted frame and the last few, with their ages', async () => {
  const fed: Fed[] = []
  const tracker = squareTracker(fed)
  const followed = track({ points: [[0.1, 0.1, 1]], frame: 1 })
  await pointOnFrame(tracker, followed, squares({ colour: 2, x: 0, y: 0 }), frame(1))
  for (let index = 2; index <= 5; index++) await stepTracks(tracker, [followed], squares({ colour: 2, x: 0, y: 0, side: index }), frame(index))
  const last = fed.at(-1)
  // The prompted entry (4 cells), then the two newest of the others: 16 cells one frame ago, 9 two frames ago.
  expect([last?.tokens, last?.age, last?.valid, last?.promptAge]).toEqual([[4, 16, 9], [4, 1, 2], [1, 1, 1], [4]])
})

test('several objects take one run, and joining changes nothing for those who are there', async () => {
  const fed: Fed[] = []
  const tracker = squareTracker(fed)
  const [a, b] = [track({ box: [0, 0, 0.25, 0.25], frame: 1 }, 'a'), track({ box: [0.5, 0.5, 0.75, 0.75], frame: 1 }, 'b')]
  const scene = squares({ colour: 1, x: 0, y: 0 }, { colour: 2, x: 4, y: 4 })
  await pointOnFrame(tracker, a, scene, frame(1))
  const alone = await stepTracks(tracker, [a], scene, frame(2))
  await pointOnFrame(tracker, b, scene, frame(2))
  fed.length = 0
  const both = await stepTracks(tracker, [a, b], scene, frame(3))
  expect([fed.length, fed[0]?.rows]).toEqual([1, 2])
  expect(both.perceptions[0]?.box).toEqual(alone.perceptions[0]?.box)
  expect(both.perceptions.map((perception) => perception.track)).toEqual(['a', 'b'])
})

test('[FR4] a frame that goes back in time is no step; [TR3] a long pause is told as a gap', async () => {
  const tracker = squareTracker()
  const followed = track({ box: [0, 0, 0.25, 0.25], frame: 1 })
  const scene = squares({ colour: 1, x: 0, y: 0 })
  await pointOnFrame(tracker, followed, scene, frame(1, 1000))
  expect((await stepTracks(tracker, [followed], scene, frame(2, 900))).perceptions).toEqual([])
  const { messages } = await stepTracks(tracker, [followed], scene, frame(3, 9000))
  expect(messages[0]).toEqual({ type: 'track-gap', track: 't', from: 1000, to: 9000 })
})

test('[TR2] a drawn mask is a prompt too: as the box around it where the bundle has no graph for masks', async () => {
  const tracker = squareTracker()
  const followed = track({ mask: { size: [4, 4], counts: '04<' }, frame: 1 })
  const { perceptions } = await pointOnFrame(tracker, followed, squares({ colour: 1, x: 0, y: 0, side: 6 }), frame(1))
  expect(perceptions[0]?.box?.[0]).toBe(0)
})
