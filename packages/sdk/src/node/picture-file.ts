import sharp from 'sharp'
import { basename } from 'node:path'
import { readFile } from 'node:fs/promises'
import type { Frame, FrameSource } from '../frame-source.ts'
import { encodePicture, encodePixels } from './encode-picture.ts'

// An animation is decoded from its start for every read, so pages are read in groups; a group of large pages stays within memory.
const PAGES_A_READ = 16
const DEFAULT_DELAY_MS = 100

/** One picture, or an animated GIF or WebP with its own timing. */
export function pictureFile(path: string): FrameSource {
  return {
    policy: 'all',
    name: basename(path).slice(0, 100),
    async *frames({ modelSize, signal }): AsyncGenerator<Frame> {
      const { pages = 1, delay = [] } = await sharp(path).metadata()
      if (pages === 1) {
        yield await encodePicture(await readFile(path), 0, modelSize())
        return
      }
      let mediaTime = 0
      for (let page = 0; page < pages && !signal.aborted; page += PAGES_A_READ) {
        const count = Math.min(PAGES_A_READ, pages - page)
        const { data, info } = await sharp(path, { page, pages: count }).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
        const height = info.height / count
        const bytes = info.width * height * 4
        for (let index = 0; index < count && !signal.aborted; index++) {
          const picture = { data: data.subarray(index * bytes, (index + 1) * bytes), width: info.width, height, channels: 4 as const }
          yield await encodePixels(picture, mediaTime, modelSize())
          // Players show a delay of 0 or 10 ms as 100 ms.
          const pause = delay[page + index] ?? DEFAULT_DELAY_MS
          mediaTime += pause > 10 ? pause : DEFAULT_DELAY_MS
        }
      }
    },
  }
}
