import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pino } from 'pino'
import sharp from 'sharp'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../src/config.ts'
import { openService, type Service } from '../src/service.ts'
import { FakeEdge, type FakeSession } from './fake-edge.ts'

const TOY = fileURLToPath(new URL('./fixtures/toy', import.meta.url))
const BRIGHT = { r: 255, g: 153, b: 51 }
const DARK = { r: 0, g: 0, b: 0 }
const picture = (background: typeof BRIGHT, width = 64, height = 48) =>
  sharp({ create: { width, height, channels: 3, background } })
    .jpeg({ quality: 95 })
    .toBuffer()

let edge: FakeEdge
let service: Service
let bright: Buffer
let dark: Buffer
let sessions = 0

beforeAll(async () => {
  bright = await picture(BRIGHT)
  dark = await picture(DARK)
  edge = await FakeEdge.open()
  service = await openService(
    readConfig({ FOVEA_EDGE_URL: edge.url, FOVEA_BACKEND_KEY: 'a-key', FOVEA_BUNDLE: TOY, FOVEA_DECODE_THREADS: '1' }),
    pino({ level: 'silent' }),
    (error) => {
      throw error
    },
  )
})
afterAll(async () => {
  await service?.close()
  await edge?.close()
})

async function live(limits = {}): Promise<FakeSession> {
  const session = await edge.session(++sessions, { limits })
  session.send({ type: 'stream-open', stream: 1, policy: 'latest' })
  return session
}
const size = { width: 64, height: 48 }

describe('a service on a real edge protocol', () => {
  test('[EP4] says hello with its model and tells its load', async () => {
    const hello = await edge.heard('hello')
    expect(hello.models[0]).toMatchObject({ name: 'toy', tasks: ['region'], imageSize: [32, 32] })
    expect(await edge.heard('load')).toMatchObject({ modelThread: 'ready' })
  })

  test('[FR1] every frame gets one verdict, in order', async () => {
    const session = await live()
    const verdicts = await Promise.all([session.frame(bright, size), session.frame(bright, size), session.frame(dark, size)])
    expect(verdicts.map((verdict) => [verdict.type, verdict.frame])).toEqual([
      ['frame-seen', 1],
      ['frame-seen', 2],
      ['frame-seen', 3],
    ])
    expect(session.told.filter((message) => message.type === 'frame-seen')).toHaveLength(3)
    session.close()
  })

  test('[AS2] an ask gives words and evidence in stream order, and ends once', async () => {
    const session = await live()
    await session.frame(bright, size)
    const told = await session.ask({ ask: 'a1', text: 'where is the ball?' })
    expect(told.map((message) => message.type).filter((type, index, all) => type !== all[index - 1])).toEqual([
      'answer-delta',
      'head-started',
      'head-result',
      'answer-delta',
      'answer-ended',
    ])
    const [started, result, ended] = ['head-started', 'head-result', 'answer-ended'].map((type) => told.find((message) => message.type === type))
    if (started?.type !== 'head-started' || result?.type !== 'head-result' || ended?.type !== 'answer-ended') throw new Error('A message is missing.')
    expect(result.evidence).toMatchObject({
      id: started.evidence,
      task: 'region',
      token: '<region>',
      query: 'the ball',
      words: [0, 8],
      stream: 1,
      frame: 1,
      receivedAt: 1_700_000_000_001,
      model: { bundle: 'toy', head: 'region' },
    })
    expect(result.evidence.regions?.[0]?.box[0]).toBeCloseTo(0.4333, 2)
    expect(ended).toMatchObject({ finish: 'stop', text: 'the ball here', usage: { heads: 1, answerTokens: 5 } })
    session.close()
  })

  test('[PE2] absence is a result: a low score and no boxes', async () => {
    const session = await live()
    await session.frame(dark, size)
    const told = await session.ask({ ask: 'a1', text: 'where is the ball?' })
    const result = told.find((message) => message.type === 'head-result')
    expect(result?.type === 'head-result' && result.evidence.regions).toEqual([])
    expect(result?.type === 'head-result' && result.evidence.score).toBeLessThan(0.5)
    session.close()
  })

  test('[AS5] an ask with no frame ends with no-frame, never empty-handed', async () => {
    const session = await live()
    const told = await session.ask({ ask: 'a1', text: 'where is the ball?' })
    expect(told.at(-1)).toMatchObject({ type: 'answer-ended', finish: 'error', error: { code: 'no-frame', retryable: true } })
    session.close()
  })

  test('[FR1] a corrupt JPEG is undecodable, and the next frame is seen', async () => {
    const session = await live()
    expect(await session.frame(Buffer.concat([bright.subarray(0, 200), Buffer.alloc(100, 7)]), size)).toMatchObject({
      type: 'frame-dropped',
      reason: 'undecodable',
    })
    expect(await session.frame(Buffer.from('no picture at all'), size)).toMatchObject({ reason: 'undecodable', message: expect.stringContaining('no jpeg') })
    expect(await session.frame(bright, { width: 65, height: 48 })).toMatchObject({ reason: 'undecodable', message: expect.stringContaining('64×48') })
    expect(await session.frame(bright, size)).toMatchObject({ type: 'frame-seen', frame: 4 })
    session.close()
  })

  test('unknown fields are refused and the session goes on [WI2]', async () => {
    const session = await live()
    session.sendText('{"type":"ask-start","ask":"a1","text":"hi","colour":"red"}')
    session.sendText('not json')
    await session.until((message) => message.type === 'error' && message.message.includes('JSON'))
    expect(session.told.filter((message) => message.type === 'error').map((message) => message.type === 'error' && message.code)).toEqual([
      'invalid-message',
      'invalid-message',
    ])
    expect(await session.frame(bright, size)).toMatchObject({ type: 'frame-seen' })
    session.close()
  })
})
