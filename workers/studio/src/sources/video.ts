import { element } from '../element.ts'
import type { Source } from './source.ts'

/** A held video is looked at again this often, so that a new watch has something to see. */
const HELD_MS = 1000

/** A video element as a source: a camera, a screen or a file. Resolves when its first picture is there. */
export async function videoSource(title: string, from: MediaStream | Blob, { loop = false }: { loop?: boolean } = {}): Promise<Source> {
  const video = element('video', { playsinline: true, muted: true, loop, 'aria-hidden': true })
  video.muted = true
  const url = from instanceof Blob ? URL.createObjectURL(from) : undefined
  if (from instanceof Blob) video.src = url ?? ''
  else video.srcObject = from
  const close = () => {
    video.pause()
    if (from instanceof MediaStream) for (const track of from.getTracks()) track.stop()
    video.removeAttribute('src')
    video.srcObject = null
    if (url) URL.revokeObjectURL(url)
  }
  try {
    await firstPicture(video)
    await video.play()
  } catch (error) {
    close()
    throw error
  }
  return {
    title,
    surface: video,
    size: () => ({ width: video.videoWidth, height: video.videoHeight }),
    time: () => (from instanceof Blob ? video.currentTime * 1000 : undefined),
    next: (signal) =>
      new Promise((resolve) => {
        const frame = video.requestVideoFrameCallback(() => resolve())
        const held = setTimeout(resolve, HELD_MS)
        signal.addEventListener('abort', () => {
          video.cancelVideoFrameCallback(frame)
          clearTimeout(held)
          resolve()
        })
      }),
    ...(from instanceof Blob && {
      toggle: () => {
        const holds = video.paused || video.ended
        if (holds) void video.play()
        else video.pause()
        return holds
      },
    }),
    close,
  }
}

function firstPicture(video: HTMLVideoElement): Promise<void> {
  return new Promise((resolve, reject) => {
    video.addEventListener('loadeddata', () => resolve(), { once: true })
    video.addEventListener('error', () => reject(new Error('this browser cannot play the file. MP4 (H.264) and WebM play everywhere.')), { once: true })
  })
}
