import { Readable } from 'node:stream'
import { ProtocolError } from '@fovea/protocol'
import type { Frame, FrameSource } from '../frame-source.ts'
import { untilAborted } from '../until-aborted.ts'
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
      const chunks = input[Symbol.asyncIterator]()
      let count = 0
      let first: number | undefined
      try {
        for (;;) {
          const next = await untilAborted(chunks.next(), signal)
          if (!next) return
          if (next.done) break
          for (const picture of splitter.push(next.value)) {
            if (signal.aborted) return
            const now = performance.now()
            first ??= now
            const mediaTime = fps === undefined ? now - first : (count * 1000) / fps
            count++
            yield { ...(await encodePicture(picture, mediaTime, modelSize())), capturedAt: now }
          }
        }
      } finally {
        close(input, chunks)
      }
      if (count === 0)
        throw new ProtocolError(
          'undecodable',
          'The pipe ended before its first picture. Concatenated JPEG is expected, as `ffmpeg -f image2pipe -c:v mjpeg -` writes it.',
        )
    },
  }
}

/** A silent pipe would answer `return` only with its next chunk: it is not waited for. */
function close(input: AsyncIterable<Uint8Array>, chunks: AsyncIterator<Uint8Array>): void {
  if (input instanceof Readable) input.destroy()
  else chunks.return?.().catch(() => {})
}
