import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pino } from 'pino'
import sharp from 'sharp'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BundleManifest } from '@fovea/protocol'
import { readConfig } from '../src/config.ts'
import { OnnxModel } from '../src/model/onnx-model.ts'
import { openService, type Service } from '../src/service.ts'
import { FakeEdge, type FakeSession } from './fake-edge.ts'

const TOY = fileURLToPath(new URL('./fixtures/toy', import.meta.url))
const INPLACE = fileURLToPath(new URL('./fixtures/inplace', import.meta.url))
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
}, 60_000)
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

  test('[AS5] a question that does not fit into the model is refused with both numbers, also where evidence or a watch is asked for', async () => {
    const session = await live()
    await session.frame(bright, size)
    const text = 'where is the ball '.repeat(200)
    const refused = { code: 'too-large', message: expect.stringMatching(/takes \d+ positions .* holds \d+.*fewer words/), retryable: false }
    expect((await session.ask({ ask: 'a1', text })).at(-1)).toMatchObject({ type: 'answer-ended', finish: 'error', text: '', error: refused })
    expect((await session.ask({ ask: 'a2', text, tasks: ['region'] })).at(-1)).toMatchObject({ finish: 'error', error: refused })
    session.send({ type: 'watch-start', watch: 'w', stream: 1, query: 'ball '.repeat(200).trim(), task: 'region' })
    await session.until((message) => message.type === 'watch-stopped')
    expect(session.told.find((message) => message.type === 'watch-stopped')).toMatchObject({ watch: 'w', error: { code: 'too-large', retryable: false } })
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

  test('a bomb of 100 megapixels is refused by its header, whatever the frame says, and memory stays where it was', async () => {
    const session = await live()
    const jpeg = Buffer.from(bright)
    const sof = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
    jpeg.writeUInt16BE(10_000, sof + 5)
    jpeg.writeUInt16BE(10_000, sof + 7)
    const png = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: DARK } })
      .png()
      .toBuffer()
    const before = process.memoryUsage.rss()
    expect(await session.frame(jpeg, { width: 10_000, height: 10_000 })).toMatchObject({ reason: 'undecodable', message: expect.stringContaining('pixels') })
    expect(await session.frame(jpeg, size)).toMatchObject({ reason: 'undecodable', message: expect.stringContaining('10000×10000') })
    expect(await session.frame(png, { ...size, codec: 'png' })).toMatchObject({ reason: 'undecodable' })
    expect(process.memoryUsage.rss() - before).toBeLessThan(80 * 1024 * 1024)
    expect(await session.frame(bright, size)).toMatchObject({ type: 'frame-seen' })
    session.close()
  })

  test('every codec becomes the same picture', async () => {
    const session = await live()
    const raw = await sharp(bright).raw().toBuffer()
    const webp = await sharp(raw, { raw: { ...size, channels: 3 } })
      .webp({ lossless: true })
      .toBuffer()
    const png = await sharp(raw, { raw: { ...size, channels: 3 } })
      .png()
      .toBuffer()
    for (const [payload, codec] of [
      [raw, 'rgb8'],
      [webp, 'webp'],
      [png, 'png'],
      [bright, 'jpeg'],
    ] as const) {
      expect(await session.frame(payload, { ...size, codec })).toMatchObject({ type: 'frame-seen' })
    }
    session.close()
  })

  test('[PE4] a kept picture comes back as JPEG, with evidence drawn over it as PNG; a gone one is said to be gone', async () => {
    const session = await live()
    await session.frame(bright, size)
    const told = await session.ask({ ask: 'a1', text: 'where is the ball?' })
    const result = told.find((message) => message.type === 'head-result')
    if (result?.type !== 'head-result') throw new Error('There is evidence.')
    const get = async (request: string, evidence?: string): Promise<Uint8Array> => {
      session.send({ type: 'picture-get', request, stream: 1, frame: 1, ...(evidence ? { evidence } : {}) })
      const got = await session.until((message) => message.type === 'picture' && message.request === request)
      return got.type === 'picture' ? got.bytes : new Uint8Array(0)
    }
    expect(Buffer.from(await get('plain')).equals(bright)).toBe(true)
    expect(await sharp(await get('drawn', result.evidence.id)).metadata()).toMatchObject({ format: 'png', ...size })
    session.send({ type: 'picture-get', request: 'gone', stream: 1, frame: 77 })
    expect(await session.until((message) => message.type === 'error' && message.of === 'gone')).toMatchObject({
      code: 'frame-gone',
      retained: { from: 1, to: 1 },
    })
    session.close()
  })

  test('a paused stream settles what still comes as paused', async () => {
    const session = await live()
    session.send({ type: 'stream-pause', stream: 1, paused: true })
    expect(await session.frame(bright, size)).toMatchObject({ type: 'frame-dropped', reason: 'paused' })
    session.send({ type: 'stream-pause', stream: 1, paused: false })
    expect(await session.frame(bright, size)).toMatchObject({ type: 'frame-seen' })
    session.close()
  })

  test('/healthz tells what runs and why, /metrics counts', async () => {
    const session = await live()
    await session.frame(bright, size)
    const health = await fetch(`http://127.0.0.1:${service.port}/healthz`)
    expect(await health.json()).toMatchObject({
      ok: true,
      modelThread: 'ready',
      model: { name: 'toy' },
      providers: { used: 'cpu', refused: [] },
      pool: { name: 'joined' },
    })
    expect((await fetch(`http://127.0.0.1:${service.port}/readyz`)).status).toBe(200)
    const metrics = await (await fetch(`http://127.0.0.1:${service.port}/metrics`)).text()
    expect(metrics).toMatch(/fovea_frames_total\{outcome="seen",reason=""\} [1-9]/)
    expect(metrics).toMatch(/fovea_frame_stage_ms_count\{stage="encode"\} [1-9]/)
    session.close()
  })

  test('[EP1] a newer assignment of a session takes its place', async () => {
    const first = await live()
    await first.frame(bright, size)
    const second = await edge.session(sessions, { epoch: 2 })
    second.send({ type: 'stream-open', stream: 1, policy: 'latest' })
    expect(await second.frame(bright, size)).toMatchObject({ type: 'frame-seen', frame: 1 })
    expect(first.closed).toMatchObject({ code: 1000 })
    second.close()
  })
})

const broken = async (name: string, spoil: (folder: string) => Promise<void>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), `fovea-${name}-`))
  await cp(TOY, folder, { recursive: true })
  await spoil(folder)
  return folder
}
const edit = async (folder: string, change: (manifest: BundleManifest) => void): Promise<void> => {
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as BundleManifest
  change(manifest)
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
}

describe('a bundle that does not fit', () => {
  const cases: [string, (folder: string) => Promise<void>, RegExp][] = [
    ['a wrong hash', async (folder) => writeFile(join(folder, 'region.onnx'), 'changed'), /region\.onnx: SHA-256 [0-9a-f]{64} expected, [0-9a-f]{64} came/],
    ['a missing file', async (folder) => rm(join(folder, 'vision.onnx')), /vision\.onnx: .*missing in the folder/],
    ['another manifest version', (folder) => edit(folder, (manifest) => Object.assign(manifest, { manifest: 7 })), /manifest version 1 is read here; 7 came/],
    [
      'an output the graph has not got',
      (folder) =>
        edit(folder, (manifest) => {
          manifest.graphs.embed.outputs = { vectors: 'embeds' }
        }),
      /embed\.onnx: its outputs are words; the manifest names vectors/,
    ],
    [
      'a token the tokenizer lacks',
      (folder) =>
        edit(folder, (manifest) => {
          manifest.language.eos = '<stop>'
        }),
      /tokenizer\.json: has no token <stop>/,
    ],
    [
      'a second head of one task',
      (folder) => edit(folder, (manifest) => manifest.heads.push(...manifest.heads)),
      /manifest\.json: heads: there are two for region/,
    ],
    [
      'a head whose trigger is its task token',
      (folder) =>
        edit(folder, (manifest) => {
          for (const { token } of manifest.heads) token.task = token.trigger
        }),
      /manifest\.json: heads: <region> is both trigger and task token of region/,
    ],
    [
      'a template without the question',
      (folder) => edit(folder, ({ language }) => Object.assign(language, { template: language.visualToken })),
      /manifest\.json: language\.template: the question does not come/,
    ],
    [
      'a template without the pictures',
      (folder) => edit(folder, ({ language }) => Object.assign(language, { template: '{{ text }}' })),
      /manifest\.json: language\.template: .* must stand in it once/,
    ],
    [
      'a template that is none',
      (folder) => edit(folder, ({ language }) => Object.assign(language, { template: '{% if %}' })),
      /manifest\.json: language\.template cannot be read/,
    ],
    [
      'a head that gives nothing that is read',
      (folder) =>
        edit(folder, ({ heads }) => {
          for (const { graphs } of heads) if ('main' in graphs) graphs.main.outputs = { ...graphs.main.outputs, object: 'scores' }
        }),
      /region\.onnx: graph region\.main must give object; by the manifest it takes state and gives boxes, scores, scores/,
    ],
    [
      'weights that no hash covers',
      async (folder) => {
        await cp(INPLACE, folder, { recursive: true })
        await edit(folder, ({ graphs, hashes }) => {
          delete graphs.decoder.data
          delete hashes['decoder.onnx.data']
        })
      },
      /decoder\.onnx: keeps weights in decoder\.onnx\.data, and graph decoder of the manifest names no such files as data/,
    ],
    [
      'a cache of more layers than the decoder has',
      (folder) => edit(folder, ({ language }) => Object.assign(language.kv, { layers: 2 })),
      /decoder\.onnx: graph decoder must take kv\.key\.1 and take kv\.value\.1 and give kv\.key\.1/,
    ],
    ['no manifest', async (folder) => rm(join(folder, 'manifest.json')), /manifest\.json: not found/],
  ]
  test.each(cases)('%s is refused, naming the file, what was expected and what came', async (_name, spoil, message) => {
    const folder = await broken('bundle', spoil)
    await expect(OnnxModel.load(folder)).rejects.toThrow(message)
    await rm(folder, { recursive: true })
  })
})

describe('what is known only when a bundle runs', () => {
  test('tokens of another number or width than the manifest promises are refused', async () => {
    const folder = await broken('visual', (made) => edit(made, ({ vision }) => Object.assign(vision, { tokens: 999, width: 7 })))
    await expect(OnnxModel.load(folder, { warm: true })).rejects.toThrow(/999 tokens of width 7 a clip are promised; the vision graph gives 4 of width 24/)
    await rm(folder, { recursive: true })
  })

  test('every graph runs once before the service is ready: also those for boxes, points and drawn masks', async () => {
    const ran = new Set<string>()
    const folder = fileURLToPath(new URL('./fixtures/llava-tiny', import.meta.url))
    const model = await OnnxModel.load(folder, { slots: 1, warm: true, onRun: (graph) => void ran.add(graph) })
    expect([...ran].toSorted()).toEqual([...model.graphs.keys()].toSorted())
    await model.close()
  })

  test('a provider that loads and cannot run is passed over, and what it said is told', async () => {
    let tries = 0
    const onRun = (_graph: string, running: boolean): void => {
      if (running && tries++ === 0) throw new Error('The device was lost.')
    }
    const model = await OnnxModel.load(TOY, { providers: ['cpu', 'cpu'], slots: 1, warm: true, onRun })
    expect(model.providers).toEqual({ used: 'cpu', refused: [{ provider: 'cpu', because: 'The device was lost.' }] })
    expect(tries).toBeGreaterThan(1)
    await model.close()
  })
})

describe('the configuration', () => {
  test('names every variable that is wrong, what was expected and what came', () => {
    expect(() => readConfig({ FOVEA_EDGE_URL: 'nowhere', FOVEA_PROVIDERS: 'gpu', FOVEA_CAPACITY: '0' })).toThrow(
      /FOVEA_EDGE_URL.*"nowhere" came[\s\S]*FOVEA_BACKEND_KEY.*nothing came[\s\S]*FOVEA_PROVIDERS[\s\S]*FOVEA_CAPACITY.*"0" came/,
    )
  })
})
