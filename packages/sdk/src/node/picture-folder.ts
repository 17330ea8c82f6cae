import { readdir, readFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { ProtocolError } from '@fovea/protocol'
import type { Frame, FrameSource } from '../frame-source.ts'
import { encodePicture } from './encode-picture.ts'

const PICTURES = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff'])

/** The pictures of a folder in the natural order of their names, `fps` a second. */
export function pictureFolder(path: string, { fps = 10 }: { fps?: number } = {}): FrameSource {
  return {
    policy: 'all',
    name: basename(path).slice(0, 100),
    async *frames({ modelSize, signal }): AsyncGenerator<Frame> {
      const names = (await readdir(path)).filter((name) => PICTURES.has(extname(name).toLowerCase()))
      if (names.length === 0) throw new ProtocolError('undecodable', `${path} holds no pictures (${[...PICTURES].join(', ')}).`)
      const order = new Intl.Collator('en', { numeric: true })
      for (const [index, name] of names.toSorted(order.compare).entries()) {
        if (signal.aborted) return
        yield await encodePicture(await readFile(join(path, name)), (index * 1000) / fps, modelSize())
      }
    },
  }
}
