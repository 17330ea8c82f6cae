import { readdir, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Frame, FrameSource } from '@fovea/sdk'
import { video } from '@fovea/sdk/node'
import sharp from 'sharp'
import { numberFlag } from './number-flag.ts'

export type RecordingOptions = { fps?: number; maxFps?: number }

/** What is sent, and how many frames it has where that can be told beforehand. */
export type Recording = { source: FrameSource; total: number | undefined }

const PICTURE = /\.(jpe?g|png|webp|gif|avif|tiff?)$/i
const MAX_FPS_OF_VIDEO = 8
// Times of frames are rounded; a frame that is early by less than this is on time.
const EARLY_MS = 0.5

/** The flags of RecordingOptions, the same on every command that sends a recording. */
export function withRecordingOptions(command: Command): Command {
  return command
    .option('--fps <n>', 'pictures a second of a folder or pipe, which know no time of their own', numberFlag({ above: 0 }))
    .option(
      '--max-fps <n>',
      `at most so many pictures a second; ${MAX_FPS_OF_VIDEO} of a video file where it is not given, all of a GIF or WebP`,
      numberFlag({ above: 0 }),
    )
}

export async function openRecording(path: string, { fps, maxFps }: RecordingOptions): Promise<Recording> {
  const source = await video(path, { ...(fps && { fps }), maxFps: maxFps ?? MAX_FPS_OF_VIDEO })
  const pages = await pagesOf(path)
  if (pages !== undefined && pages > 1 && maxFps) return { source: thinned(source, maxFps), total: undefined }
  return { source, total: pages ?? (await picturesIn(path)) }
}

/** Leaves out what comes sooner than `maxFps` allows; what stays keeps its time. */
export function thinned(source: FrameSource, maxFps: number): FrameSource {
  return {
    ...source,
    async *frames(context): AsyncGenerator<Frame> {
      let next = 0
      for await (const frame of source.frames(context)) {
        if (frame.mediaTime + EARLY_MS < next) continue
        next = frame.mediaTime + 1000 / maxFps
        yield frame
      }
    },
  }
}

/** Undefined for what is no picture. */
async function pagesOf(path: string): Promise<number | undefined> {
  if (path === '-') return undefined
  return sharp(path)
    .metadata()
    .then(
      ({ pages = 1 }) => pages,
      () => undefined,
    )
}

async function picturesIn(path: string): Promise<number | undefined> {
  const found = path === '-' ? undefined : await stat(path).catch(() => undefined)
  return found?.isDirectory() ? (await readdir(path)).filter((name) => PICTURE.test(name)).length : undefined
}
