import { stat } from 'node:fs/promises'
import sharp from 'sharp'
import { ProtocolError } from '@fovea/protocol'
import type { FrameSource } from '../frame-source.ts'
import { ffmpegFile, hasFfmpeg } from './ffmpeg.ts'
import { jpegPipe } from './jpeg-pipe.ts'
import { loadMediabunny, mediabunnyFile } from './mediabunny.ts'
import { pictureFile } from './picture-file.ts'
import { pictureFolder } from './picture-folder.ts'

export type VideoOptions = {
  /** pictures a second of a folder or pipe, which know no time of their own */
  fps?: number
  /** at most so many a second are sent of a video file */
  maxFps?: number
}

/**
 * A recording as a source: a picture, an animated GIF or WebP, a folder of pictures, `-` (concatenated JPEG on stdin), or
 * a video file through the first decoder found: mediabunny with @mediabunny/server, else `ffmpeg` on the PATH.
 * @example
 * await session.send(await video('clip.webp')).done
 */
export async function video(path: string, { fps, maxFps }: VideoOptions = {}): Promise<FrameSource> {
  if (path === '-') return jpegPipe(process.stdin, { ...(fps && { fps }) })
  const found = await stat(path).catch(() => undefined)
  if (!found) throw new ProtocolError('not-found', `There is no file or folder ${path}.`)
  if (found.isDirectory()) return pictureFolder(path, { ...(fps && { fps }) })
  if (await isPicture(path)) return pictureFile(path)
  const library = await loadMediabunny()
  if (library) return mediabunnyFile(path, library, { ...(maxFps && { maxFps }) })
  if (await hasFfmpeg()) return ffmpegFile(path, { ...(maxFps && { maxFps }) })
  throw new ProtocolError(
    'unsupported',
    `${path} is no picture, and there is no video decoder here. Install ffmpeg (Debian: apt-get install ffmpeg; macOS: brew install ffmpeg), or run: npm install mediabunny @mediabunny/server (MPL-2.0, with an FFmpeg build under the GPL).`,
  )
}

async function isPicture(path: string): Promise<boolean> {
  return sharp(path)
    .metadata()
    .then(
      () => true,
      () => false,
    )
}
