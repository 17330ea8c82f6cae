import { ProtocolError } from '@fovea/protocol'
import type { Frame, FrameSource } from '../frame-source.ts'
import { encodePicture } from './encode-picture.ts'
import { JpegSplitter } from './jpeg-splitter.ts'

type Options = {
  /** pictures a second of media time; the moment of arrival where absent, which suits a live pipe */
  fps?: number
  /** `latest` for a live pipe: what cannot leave in time is replaced by what came after it */
  policy?: 'latest' | 'all'
}

/**
 * Concatenated JPEG from a pipe, such as `process.stdin`.
 * @example
 * // ffmpeg -i rtsp://camera -f image2pipe -c:v mjpeg - | node watch.js
 * session.send(jpegPipe(process.stdin, { policy: 'latest' }))
 */
export function jpegPipe(input: AsyncIterable<Uint8Array>, { fps, policy = 'all' }: Options = {}): FrameSource {
  return {
    policy,
    name: 'pipe',
    async *frames({ modelSize, signal }): AsyncGenerator<Frame> {
      const splitter = new JpegSplitter()
      let count = 0
      let first: number | undefined
      for await (const chunk of input) {
        for (const picture of splitter.push(chunk)) {
          if (signal.aborted) return
          const now = performance.now()
          first ??= now
          const mediaTime = fps === undefined ? now - first : (count * 1000) / fps
          count++
          yield { ...(await encodePicture(picture, mediaTime, modelSize())), capturedAt: now }
        }
      }
      if (count === 0)
        throw new ProtocolError(
          'undecodable',
          'The pipe ended before its first picture. Concatenated JPEG is expected, as `ffmpeg -f image2pipe -c:v mjpeg -` writes it.',
        )
    },
  }
}
