import type { Frame, FrameSource } from '../frame-source.ts'
import { untilAborted } from '../until-aborted.ts'
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
      // Heard from the first to the last picture: the end may come while this waits for room, or encodes.
      const over = new AbortController()
      const end = () => over.abort()
      signal.addEventListener('abort', end)
      video.addEventListener('ended', end)
      let startedAt: number | undefined
      try {
        while (!signal.aborted) {
          await untilAborted(room(), over.signal)
          const shownAt = await nextFrame(video, over.signal)
          if (shownAt === undefined) return
          if (video.videoWidth === 0) continue
          startedAt ??= shownAt
          yield await taker.take({ image: video, width: video.videoWidth, height: video.videoHeight }, shownAt - startedAt, modelSize())
        }
      } finally {
        signal.removeEventListener('abort', end)
        video.removeEventListener('ended', end)
        onEnd()
      }
    },
  }
}

/** When the next picture of the element is shown; undefined when none will come. */
async function nextFrame(video: HTMLVideoElement, over: AbortSignal): Promise<number | undefined> {
  if (over.aborted || hasEnded(video)) return undefined
  const shownAt = await new Promise<number | undefined>((resolve) => {
    const stop = () => finish(undefined)
    // A frame callback is not called in a hidden tab; the timer keeps a hidden camera alive at a slow pace.
    const timer = setTimeout(() => finish(performance.now()), 1000)
    const handle = video.requestVideoFrameCallback((now) => finish(now))
    const finish = (value: number | undefined) => {
      clearTimeout(timer)
      video.cancelVideoFrameCallback(handle)
      over.removeEventListener('abort', stop)
      resolve(value)
    }
    over.addEventListener('abort', stop)
  })
  return hasEnded(video) ? undefined : shownAt
}

/** A camera that is gone leaves its last picture standing, and a track that the page stops fires no event. */
function hasEnded({ ended, srcObject, videoWidth }: HTMLVideoElement): boolean {
  if (!(srcObject instanceof MediaStream)) return ended
  const tracks = srcObject.getVideoTracks()
  // Without a track and a picture it has not begun: a peer may still add its track.
  return ended || ((tracks.length > 0 || videoWidth > 0) && tracks.every(({ readyState }) => readyState === 'ended'))
}
