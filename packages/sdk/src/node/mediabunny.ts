import { basename } from 'node:path'
import { ProtocolError } from '@fovea/protocol'
import type { Frame, FrameSource } from '../frame-source.ts'
import { encodePixels } from './encode-picture.ts'

/** What is used of the optional packages; they need not be installed for this file to compile. */
type Sample = {
  timestamp: number
  displayWidth: number
  displayHeight: number
  visibleRect: { width: number; height: number }
  rotation: number
  allocationSize(options: { format: 'RGBA' }): number
  copyTo(into: Uint8Array, options: { format: 'RGBA' }): Promise<unknown>
  close(): void
}
type Library = {
  Input: new (options: { formats: unknown; source: unknown }) => { getPrimaryVideoTrack(): Promise<unknown>; dispose?(): void }
  ALL_FORMATS: unknown
  FilePathSource: new (path: string) => unknown
  VideoSampleSink: new (track: unknown) => { samples(): AsyncIterable<Sample> }
}

// Names in variables: the compiler and bundlers must not look for packages that only some have.
const LIBRARY = 'mediabunny'
const SERVER = '@mediabunny/server'

/** Video through `mediabunny` (MPL-2.0) with `@mediabunny/server`, whose decoder is an FFmpeg build under the GPL: optional, never installed by Fovea. */
export function mediabunnyFile(path: string, library: Library, { maxFps }: { maxFps?: number } = {}): FrameSource {
  return {
    policy: 'all',
    name: basename(path).slice(0, 100),
    async *frames({ modelSize, signal }): AsyncGenerator<Frame> {
      const input = new library.Input({ formats: library.ALL_FORMATS, source: new library.FilePathSource(path) })
      try {
        const track = await input.getPrimaryVideoTrack()
        if (!track) throw new ProtocolError('undecodable', `${path} has no video track.`)
        let start: number | undefined
        let next = 0
        for await (const sample of new library.VideoSampleSink(track).samples()) {
          if (signal.aborted) return sample.close()
          start ??= sample.timestamp
          const mediaTime = Math.max(0, (sample.timestamp - start) * 1000)
          if (maxFps && mediaTime + 0.5 < next) {
            sample.close()
            continue
          }
          next = maxFps ? mediaTime + 1000 / maxFps : 0
          const data = new Uint8Array(sample.allocationSize({ format: 'RGBA' }))
          await sample.copyTo(data, { format: 'RGBA' })
          const { visibleRect, displayWidth, displayHeight, rotation } = sample
          sample.close()
          const pixels = { data, width: visibleRect.width, height: visibleRect.height, channels: 4 as const }
          yield await encodePixels(pixels, mediaTime, modelSize(), { width: displayWidth, height: displayHeight, rotation })
        }
      } finally {
        input.dispose?.()
      }
    },
  }
}

/** The library with its decoders registered, or undefined where the two packages are not installed. */
export async function loadMediabunny(): Promise<Library | undefined> {
  try {
    const server: unknown = await import(SERVER)
    const library: unknown = await import(LIBRARY)
    if (typeof server === 'object' && server !== null && 'registerMediabunnyServer' in server && typeof server.registerMediabunnyServer === 'function')
      server.registerMediabunnyServer()
    return isLibrary(library) ? library : undefined
  } catch {
    return undefined
  }
}

function isLibrary(value: unknown): value is Library {
  return typeof value === 'object' && value !== null && ['Input', 'ALL_FORMATS', 'FilePathSource', 'VideoSampleSink'].every((name) => name in value)
}
