import type { Frame, FrameSource } from '../frame-source.ts'
import { untilAborted } from '../until-aborted.ts'
import { PictureTaker } from './picture-taker.ts'

/** What a page draws itself: the canvas as it stands, at most `maxFps` times a second, when a picture can leave. */
export function canvas(surface: HTMLCanvasElement | OffscreenCanvas, { name = 'canvas', maxFps = 30 }: { name?: string; maxFps?: number } = {}): FrameSource {
  return {
    policy: 'latest',
    name,
    async *frames({ modelSize, room, signal }): AsyncGenerator<Frame, void, void> {
      const taker = new PictureTaker()
      const startedAt = performance.now()
      let due = startedAt
      while (!signal.aborted) {
        await room()
        const wait = due - performance.now()
        if (wait > 0) await untilAborted(new Promise((resolve) => setTimeout(resolve, wait)), signal)
        if (signal.aborted) return
        const now = performance.now()
        due = now + 1000 / maxFps
        yield await taker.take({ image: surface, width: surface.width, height: surface.height }, now - startedAt, modelSize())
      }
    },
  }
}
