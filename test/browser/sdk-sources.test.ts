import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { FLAGS } from './chromium-flags.ts'

// The browser sources of the SDK in a real browser, without an edge: what pictures do they give, of what size, when?

/** In the page: the first frames of a source, as numbers. */
const PROBE = `
import * as sdk from '@fovea/sdk/browser'
const read = async (source, count, model) => {
  const abort = new AbortController()
  const frames = []
  for await (const { data, codec, width, height, mediaTime, capturedAt } of source.frames({ modelSize: () => model, room: async () => {}, signal: abort.signal })) {
    frames.push({ jpeg: data[0] === 0xff && data[1] === 0xd8, codec, width, height, mediaTime, age: performance.now() - capturedAt })
    if (frames.length === count) { abort.abort(); break }
  }
  return { policy: source.policy, frames }
}
const blobOf = async (name) => new Blob([await (await fetch(name)).arrayBuffer()], { type: name.endsWith('.webm') ? 'video/webm' : 'image/jpeg' })
globalThis.probe = {
  camera: async () => read(await sdk.camera(), 3, [120, 120]),
  canvas: async () => {
    const surface = Object.assign(document.createElement('canvas'), { width: 320, height: 240 })
    surface.getContext('2d').fillRect(0, 0, 10, 10)
    return read(sdk.canvas(surface, { maxFps: 20 }), 3)
  },
  picture: async () => read(sdk.file(await blobOf('/large.jpg')), 9, [240, 240]),
  video: async () => read(sdk.file(await blobOf('/clip.webm'), { maxFps: 5 }), 99),
  unplugged: () => goneAfter(3, { audio: false }, (track) => { track.stop(); track.dispatchEvent(new Event('ended')) }),
  stopped: () => goneAfter(3, { audio: false }, (track) => track.stop()),
  stoppedBesideSound: () => goneAfter(3, { audio: true }, (track) => track.stop()),
  stoppedBefore: () => goneAfter(0, { audio: false }, (track) => track.stop()),
}
// A camera whose picture ends while its loop is busy elsewhere.
const goneAfter = async (count, { audio }, end) => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio })
  const source = await sdk.mediaStream(stream)
  const abort = new AbortController()
  const endVideo = () => stream.getVideoTracks().forEach(end)
  let frames = 0
  if (count === 0) endVideo()
  const room = async () => { if (frames === count) endVideo() }
  const loop = (async () => { for await (const _ of source.frames({ modelSize: () => undefined, room, signal: abort.signal })) frames++ })()
  const outcome = await Promise.race([loop.then(() => 'ended'), new Promise((resolve) => setTimeout(() => resolve('goes on'), 4000))])
  abort.abort()
  await loop
  return { outcome, frames, live: stream.getTracks().filter(({ readyState }) => readyState === 'live').length }
}
`

let browser: Browser
let page: Page
let server: Server
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fovea-browser-'))
  await sharp({ create: { width: 640, height: 480, channels: 3, background: 'red' } })
    .jpeg()
    .toFile(join(folder, 'large.jpg'))
  execFileSync('ffmpeg', [
    '-y',
    '-loglevel',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc=duration=1:size=160x120:rate=10',
    '-c:v',
    'libvpx',
    join(folder, 'clip.webm'),
  ])
  const bundle = await build({
    stdin: { contents: PROBE, resolveDir: inRepository('workers/studio') },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  })
  const script = bundle.outputFiles[0]?.text ?? ''
  server = createServer((request, response) => {
    if (request.url === '/') return response.setHeader('content-type', 'text/html').end('<script type="module" src="/probe.js"></script>')
    if (request.url === '/probe.js') return response.setHeader('content-type', 'text/javascript').end(script)
    if (request.url === '/favicon.ico') return response.writeHead(404).end()
    return response.end(readFileSync(join(folder, String(request.url))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  browser = await chromium.launch({ executablePath: process.env.FOVEA_CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
  page = await browser.newPage()
  const { port }: AddressInfo = Object.assign({ port: 0, family: '', address: '' }, server.address())
  await page.goto(`http://127.0.0.1:${port}/`)
  await page.waitForFunction('globalThis.probe')
}, 120_000)
afterAll(async () => {
  await browser?.close()
  server?.close()
  rmSync(folder, { recursive: true })
})

type Probed = { policy: string; frames: { jpeg: boolean; codec: string; width: number; height: number; mediaTime: number; age: number }[] }
const probe = (name: string) => page.evaluate<Probed>(`probe.${name}()`)

test('[FR3] a camera is live: JPEG that covers what the model sees, its media time from 0 and rising', async () => {
  const { policy, frames } = await probe('camera')
  expect(policy).toBe('latest')
  expect(frames).toHaveLength(3)
  for (const { jpeg, codec, width, height } of frames) {
    expect({ jpeg, codec }).toEqual({ jpeg: true, codec: 'jpeg' })
    expect(Math.min(width, height)).toBe(120)
  }
  expect(frames[0]?.mediaTime).toBe(0)
  expect(frames[2]?.mediaTime).toBeGreaterThan(frames[1]?.mediaTime ?? Infinity)
})

test('a canvas is sent at its own size while the model is not known', async () => {
  const { policy, frames } = await probe('canvas')
  expect(policy).toBe('latest')
  expect(frames.map(({ width, height }) => [width, height])).toEqual([
    [320, 240],
    [320, 240],
    [320, 240],
  ])
  expect((frames[2]?.mediaTime ?? 0) - (frames[0]?.mediaTime ?? 0)).toBeGreaterThanOrEqual(95)
})

test('[FR4] a picked picture is one frame, shrunk; a picked video is sent whole, by its own time', async () => {
  expect(await probe('picture')).toMatchObject({ policy: 'all', frames: [{ width: 320, height: 240, mediaTime: 0, jpeg: true }] })
  const { policy, frames } = await probe('video')
  expect(policy).toBe('all')
  expect(frames.map(({ mediaTime }) => Math.round(mediaTime))).toEqual([0, 200, 400, 600, 800])
  expect(frames.every(({ width, height, jpeg }) => width === 160 && height === 120 && jpeg)).toBe(true)
})

test.each([
  ['unplugged', 'unplugged'],
  ['stopped by the page', 'stopped'],
  ['stopped while its sound goes on', 'stoppedBesideSound'],
  ['stopped before it was sent', 'stoppedBefore'],
])('a camera that is %s ends its source: its last picture does not go on', async (_, how) => {
  const { outcome, frames, live } = await page.evaluate<{ outcome: string; frames: number; live: number }>(`probe.${how}()`)
  expect({ outcome, live }).toEqual({ outcome: 'ended', live: 0 })
  expect(frames).toBe(how === 'stoppedBefore' ? 0 : 3)
})
