import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Frame, FrameSource } from '../frame-source.ts'
import { hasFfmpeg } from './ffmpeg.ts'
import { JpegSplitter } from './jpeg-splitter.ts'
import { jpegPipe } from './jpeg-pipe.ts'
import { paced } from './paced.ts'
import { video } from './video.ts'

let folder: string
const ffmpeg = await hasFfmpeg()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-sources-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function jpeg(shade: number, { width = 64, height = 48 } = {}): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r: shade, g: 0, b: 0 } } })
    .jpeg()
    .toBuffer()
}

async function read(source: FrameSource, { model, stopAfter = Infinity }: { model?: [number, number]; stopAfter?: number } = {}): Promise<Frame[]> {
  const frames: Frame[] = []
  const abort = new AbortController()
  for await (const frame of source.frames({ modelSize: () => model, room: async () => {}, signal: abort.signal })) {
    if (frames.push(frame) >= stopAfter) abort.abort()
  }
  return frames
}

/** Mean of the red channel: which picture this is. */
async function shadeOf({ data }: Frame): Promise<number> {
  return Math.round((await sharp(data).stats()).channels[0]?.mean ?? -1)
}

test('one picture is one frame, passed through as it is', async () => {
  const path = join(folder, 'one.jpg')
  const bytes = await jpeg(100)
  await writeFile(path, bytes)
  const [frame, ...rest] = await read(await video(path))
  expect(rest).toEqual([])
  expect(frame).toMatchObject({ codec: 'jpeg', width: 64, height: 48, mediaTime: 0 })
  expect(Buffer.from(frame?.data ?? []).equals(bytes)).toBe(true)
})

test('pictures are shrunk to cover what the model sees, never enlarged', async () => {
  const path = join(folder, 'large.jpg')
  await writeFile(path, await jpeg(100, { width: 640, height: 480 }))
  expect((await read(await video(path), { model: [240, 240] }))[0]).toMatchObject({ width: 320, height: 240 })
  expect((await read(await video(path), { model: [1024, 1024] }))[0]).toMatchObject({ width: 640, height: 480 })
})

test('a picture that a camera stored on its side is turned upright', async () => {
  const path = join(folder, 'turned.jpg')
  await writeFile(
    path,
    await sharp(await jpeg(100))
      .withMetadata({ orientation: 6 })
      .toBuffer(),
  )
  expect((await read(await video(path)))[0]).toMatchObject({ width: 48, height: 64 })
})

describe.each(['gif', 'webp'] as const)('an animated %s', (format) => {
  test('gives each page at its own time', async () => {
    const pages = await Promise.all(Array.from({ length: 20 }, (_, index) => jpeg(index * 12)))
    const delay = pages.map((_, index) => 40 + index * 10)
    const path = join(folder, `moving.${format}`)
    const moving = sharp(pages, { join: { animated: true } })
    await writeFile(path, await (format === 'gif' ? moving.gif({ delay }) : moving.webp({ delay })).toBuffer())
    const frames = await read(await video(path))
    expect(frames).toHaveLength(20)
    expect(frames.slice(0, 4).map(({ mediaTime }) => mediaTime)).toEqual([0, 40, 90, 150])
    const shades = await Promise.all(frames.map(shadeOf))
    shades.forEach((shade, index) => expect(Math.abs(shade - index * 12)).toBeLessThan(8))
  })
})

test('a folder gives its pictures in the natural order of their names', async () => {
  const path = await mkdtemp(join(folder, 'folder-'))
  for (const number of [1, 2, 10]) await writeFile(join(path, `frame-${number}.jpg`), await jpeg(number * 20))
  await writeFile(join(path, 'notes.txt'), 'not a picture')
  const frames = await read(await video(path, { fps: 5 }))
  expect(frames.map(({ mediaTime }) => mediaTime)).toEqual([0, 200, 400])
  expect((await shadeOf(frames[2] ?? frames[0]!)) > 190).toBe(true)
})

test('an empty folder and a missing file are told as such', async () => {
  const path = await mkdtemp(join(folder, 'empty-'))
  await expect(read(await video(path))).rejects.toMatchObject({ code: 'undecodable' })
  await expect(video(join(folder, 'nothing.mp4'))).rejects.toMatchObject({ code: 'not-found' })
})

test('concatenated JPEG is cut at its pictures, whatever the chunks', async () => {
  const pictures = await Promise.all([jpeg(10), jpeg(90), jpeg(200)])
  const bytes = Buffer.concat(pictures)
  for (const size of [1, 7, 100, bytes.length]) {
    const splitter = new JpegSplitter()
    const cut: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) cut.push(...splitter.push(bytes.subarray(at, at + size)))
    expect(cut.map((picture) => Buffer.from(picture).equals(pictures[cut.indexOf(picture)] ?? Buffer.alloc(0)))).toEqual([true, true, true])
    expect(splitter.rest).toBe(0)
  }
})

test('a thumbnail inside a picture does not end it', async () => {
  const thumbnail = await jpeg(1, { width: 8, height: 8 })
  const picture = await jpeg(50)
  const segment = Buffer.concat([Buffer.from([0xff, 0xe1, (thumbnail.length + 2) >> 8, (thumbnail.length + 2) & 255]), thumbnail])
  const whole = Buffer.concat([picture.subarray(0, 2), segment, picture.subarray(2)])
  expect(new JpegSplitter().push(whole)).toHaveLength(1)
})

test('a pipe of something else is refused with what was expected', async () => {
  const input = new Blob(['hello, this is text']).stream()
  await expect(read(jpegPipe(input))).rejects.toThrow('FF D8')
})

test('a pipe that is silent ends when its reader stops, and is closed', async () => {
  const pipe = new PassThrough()
  pipe.write(await jpeg(50))
  const abort = new AbortController()
  const frames: Frame[] = []
  const reading = (async () => {
    for await (const frame of jpegPipe(pipe).frames({ modelSize: () => undefined, room: async () => {}, signal: abort.signal })) frames.push(frame)
  })()
  await vi.waitFor(() => expect(frames).toHaveLength(1))
  abort.abort()
  await reading
  expect(pipe.destroyed).toBe(true)
  const never: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }
  for await (const frame of jpegPipe(never).frames({ modelSize: () => undefined, room: async () => {}, signal: abort.signal })) frames.push(frame)
  expect(frames).toHaveLength(1)
})

test('a paced recording is live: policy latest, at the speed of its own clock', async () => {
  const path = await mkdtemp(join(folder, 'paced-'))
  for (const number of [1, 2, 3]) await writeFile(join(path, `${number}.jpg`), await jpeg(number * 20))
  const source = paced(await video(path, { fps: 20 }))
  const started = performance.now()
  const frames = await read(source)
  expect(source.policy).toBe('latest')
  expect(frames).toHaveLength(3)
  expect(performance.now() - started).toBeGreaterThanOrEqual(98)
})

describe.skipIf(!ffmpeg)('ffmpeg on the PATH', () => {
  test('mp4 and webm are read with their own times', async () => {
    for (const [name, codec] of [
      ['clip.mp4', ['-c:v', 'mpeg4']],
      ['clip.webm', ['-c:v', 'libvpx']],
    ] as const) {
      const path = join(folder, name)
      await promisify(execFile)('ffmpeg', ['-y', '-f', 'lavfi', '-i', 'testsrc=duration=1:size=320x240:rate=10', ...codec, path])
      const frames = await read(await video(path), { model: [120, 120] })
      expect(frames).toHaveLength(10)
      expect(frames.map(({ mediaTime }) => Math.round(mediaTime))).toEqual(Array.from({ length: 10 }, (_, index) => index * 100))
      expect(frames[0]).toMatchObject({ width: 160, height: 120, codec: 'jpeg' })
      expect(await read(await video(path, { maxFps: 5 }))).toHaveLength(5)
      expect((await read(await video(path), { stopAfter: 2 })).length).toBe(2)
    }
  })

  test('a file that is no video is refused with ffmpeg’s own words', async () => {
    const path = join(folder, 'broken.mp4')
    await writeFile(path, 'this is no video')
    await expect(read(await video(path))).rejects.toMatchObject({ code: 'undecodable' })
  })
})
