import { sendSize, type Frame, type FrameSource, type SourceContext } from '@fovea/sdk/browser'
import type { KeptFrame } from './kept-frames.ts'
import { RisingTime } from './rising-time.ts'
import type { Source } from './sources/source.ts'

const JPEG_QUALITY = 0.85
type Options = { onFrame: (frame: KeptFrame & { capturedAt: number }) => void }

/** What the page shows, as the frames it sends: captured only when one can leave at once, so that what leaves is the newest [FR3]. */
export class SurfaceFrames implements FrameSource {
  readonly policy = 'latest'
  readonly name: string
  readonly #source: Source
  readonly #onFrame: Options['onFrame']

  constructor(source: Source, { onFrame }: Options) {
    this.name = source.title.slice(0, 100)
    this.#source = source
    this.#onFrame = onFrame
  }

  async *frames({ modelSize, room, signal }: SourceContext): AsyncGenerator<Frame, void, void> {
    const canvas = new OffscreenCanvas(1, 1)
    const context = canvas.getContext('2d', { alpha: false })
    if (!context) throw new Error('This browser gives no offscreen canvas; frames cannot be captured.')
    context.imageSmoothingQuality = 'high'
    const rising = new RisingTime()
    while (!signal.aborted) {
      await room()
      await this.#source.next(signal)
      if (signal.aborted) return
      const capturedAt = performance.now()
      const mediaTime = rising.of(this.#source.time() ?? capturedAt)
      const shown = this.#source.size()
      if (shown.width === 0 || shown.height === 0) continue
      const { width, height } = sendSize(shown.width, shown.height, modelSize())
      if (canvas.width !== width) canvas.width = width
      if (canvas.height !== height) canvas.height = height
      context.drawImage(this.#source.surface, 0, 0, width, height)
      const picture = await canvas.convertToBlob({ type: 'image/jpeg', quality: JPEG_QUALITY })
      this.#onFrame({ mediaTime, width, height, picture, capturedAt })
      yield { data: new Uint8Array(await picture.arrayBuffer()), codec: 'jpeg', width, height, mediaTime, capturedAt }
    }
  }
}
