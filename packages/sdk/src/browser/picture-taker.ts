import type { Frame } from '../frame-source.ts'
import { sendSize } from '../frame-source.ts'

const QUALITY = 0.85

/** Anything a canvas can draw that has a size. */
export type Drawable = { image: CanvasImageSource; width: number; height: number }

/** Draws, shrinks and encodes: one offscreen canvas, used again for every picture of a source. */
export class PictureTaker {
  readonly #canvas = new OffscreenCanvas(1, 1)
  readonly #context: OffscreenCanvasRenderingContext2D

  constructor() {
    const context = this.#canvas.getContext('2d', { alpha: false })
    if (!context) throw new Error('This browser gives no 2d context on an OffscreenCanvas, so frames cannot be captured.')
    this.#context = context
    context.imageSmoothingQuality = 'high'
  }

  async take({ image, ...shown }: Drawable, mediaTime: number, model: readonly [number, number] | undefined): Promise<Frame> {
    const capturedAt = performance.now()
    const { width, height } = sendSize(shown.width, shown.height, model)
    // Setting a size clears the canvas, even to the same size.
    if (this.#canvas.width !== width) this.#canvas.width = width
    if (this.#canvas.height !== height) this.#canvas.height = height
    this.#context.drawImage(image, 0, 0, width, height)
    const blob = await this.#canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY })
    return { data: new Uint8Array(await blob.arrayBuffer()), codec: 'jpeg', width, height, mediaTime, capturedAt }
  }
}
