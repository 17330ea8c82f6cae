import type { Frame, FrameSource } from '../frame-source.ts'
import { PictureTaker } from './picture-taker.ts'

type Options = { name?: string; /** called when the source is done with the element */ onEnd?: () => void }

/**
 * What a `<video>` shows, live: a picture is captured only when one can leave, so what leaves is the newest [FR3].
 * @example
 * session.send(videoElement(document.querySelector('video')))
 */
export function videoElement(video: HTMLVideoElement, { name = 'video', onEnd = () => {} }: Options = {}): FrameSource {
  return {
    policy: 'latest',
    name,
    async *frames({ modelSize, room, signal }): AsyncGenerator<Frame, void, void> {
      const taker = new PictureTaker()
      let startedAt: number | undefined
      try {
        while (!signal.aborted) {
          await room()
          const shownAt = await nextFrame(video, signal)
          if (shownAt === undefined) return
          if (video.videoWidth === 0) continue
          startedAt ??= shownAt
          yield await taker.take({ image: video, width: video.videoWidth, height: video.videoHeight }, shownAt - startedAt, modelSize())
        }
      } finally {
        onEnd()
      }
    },
  }
}

/** When the next picture of the element is shown; undefined when none will come. */
function nextFrame(video: HTMLVideoElement, signal: AbortSignal): Promise<number | undefined> {
  if (signal.aborted || video.ended) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const stop = () => finish(undefined)
    // A frame callback is not called in a hidden tab; the timer keeps a hidden camera alive at a slow pace.
    const timer = setTimeout(() => finish(performance.now()), 1000)
    const handle = video.requestVideoFrameCallback((now) => finish(now))
    const finish = (value: number | undefined) => {
      clearTimeout(timer)
      video.cancelVideoFrameCallback(handle)
      video.removeEventListener('ended', stop)
      signal.removeEventListener('abort', stop)
      resolve(value)
    }
    video.addEventListener('ended', stop)
    signal.addEventListener('abort', stop)
  })
}
