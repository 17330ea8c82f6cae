import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FrameSource } from '@fovea/sdk'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { openRecording } from './recording.ts'

async function timesOf(source: FrameSource): Promise<number[]> {
  const times: number[] = []
  const context = { modelSize: () => undefined, room: async () => {}, signal: new AbortController().signal }
  for await (const { mediaTime } of source.frames(context)) times.push(mediaTime)
  return times
}

test('an animation is sent whole, or at most so many pictures a second of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-recording-'))
  try {
    const path = join(folder, 'clip.webp')
    const pages = [10, 80, 150, 220, 250].map((red) => ({ create: { width: 8, height: 8, channels: 3 as const, background: { r: red, g: 0, b: 0 } } }))
    const pictures = await Promise.all(pages.map((page) => sharp(page).png().toBuffer()))
    await sharp(pictures, { join: { animated: true } })
      .webp({ delay: pictures.map(() => 100) })
      .toFile(path)
    const whole = await openRecording(path, {})
    expect(whole.total).toBe(5)
    expect(await timesOf(whole.source)).toEqual([0, 100, 200, 300, 400])
    expect(await timesOf((await openRecording(path, { maxFps: 5 })).source)).toEqual([0, 200, 400])
    expect(await timesOf((await openRecording(path, { maxFps: 0.5 })).source)).toEqual([0])
    expect(await openRecording(folder, { fps: 2 })).toMatchObject({ total: 1 })
  } finally {
    await rm(folder, { recursive: true })
  }
})
