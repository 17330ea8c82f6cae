import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Perception, Point } from '@fovea/protocol'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { openService, type Service } from '../src/service.ts'
import { FakeEdge, type FakeSession } from './fake-edge.ts'

// A tuned language model behind the whole service: what its heads and its box encoder take is served without a word about them in the runtime.
const bundle = fileURLToPath(new URL('./fixtures/llava-tiny', import.meta.url))
const size = { width: 64, height: 64, codec: 'png' } as const
let edge: FakeEdge
let service: Service
let session: FakeSession
let pictures: Buffer[]

beforeAll(async () => {
  pictures = await Promise.all([7, 6, 5].map((frame) => readFile(`${bundle}/golden/a0${frame}.png`)))
  edge = await FakeEdge.open()
  const config = readConfig({ FOVEA_EDGE_URL: edge.url, FOVEA_BACKEND_KEY: 'a-key', FOVEA_BUNDLE: bundle, FOVEA_DECODE_THREADS: '1' })
  service = await openService(config, pino({ level: 'silent' }), (error) => {
    throw error
  })
  session = await edge.session(1)
}, 60_000)
afterAll(async () => {
  session?.close()
  await service?.close()
  await edge?.close()
})

/** A stream of its own: one kept picture, a point in it, pictures until the track was perceived in two of them. */
async function follow(stream: number, point: Point): Promise<Perception[]> {
  session.send({ type: 'stream-open', stream, policy: 'latest' })
  await session.frame(picture(0), { ...size, stream, keep: true })
  const track = `t${stream}`
  session.send({ type: 'track-start', track, stream, prompt: { points: [point], frame: 1 } })
  const found: Perception[] = []
  for (let frame = 1; found.length < 2; frame++) {
    const verdict = await session.frame(picture(frame), { ...size, stream })
    if (verdict.type === 'frame-seen') found.push(...verdict.perceptions.filter((perception) => perception.track === track))
    if (frame === 20) throw new Error('The track was perceived in none of twenty frames.')
  }
  return found
}

test('[TR2] a point on a frame starts a track: the frames after it perceive what was pointed at, a point elsewhere something else', async () => {
  const [shoe, kangaroo] = [await follow(1, [0.867, 0.789, 1]), await follow(2, [0.195, 0.68, 1])]
  for (const { task, score, mask } of [...shoe, ...kangaroo]) {
    expect([task, score > 0.5]).toEqual(['track', true])
    expect(mask?.size).toEqual([64, 64])
  }
  expect(shoe[0]?.mask).not.toEqual(kangaroo[0]?.mask)
  expect(session.told.filter((message) => message.type === 'track-ended')).toEqual([])
})

test('[AS1] a question about a box is answered; one whose words do not name the box is refused', async () => {
  expect(await asked('a1', 'what is in <box> ?')).toMatchObject({ type: 'answer-ended', finish: 'stop', usage: { heads: 3 } })
  expect(await asked('a2', 'what is there ?')).toMatchObject({ type: 'answer-ended', finish: 'error', error: { code: 'invalid-message' } })
})

async function asked(ask: string, text: string): Promise<unknown> {
  return (await session.ask({ ask, text, stream: 1, boxes: [[0.1, 0.2, 0.5, 0.6]] })).at(-1)
}

function picture(frame: number): Buffer {
  const bytes = pictures[frame % pictures.length]
  if (!bytes) throw new Error('There are pictures.')
  return bytes
}
