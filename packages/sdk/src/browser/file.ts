import type { Frame, FrameSource } from '../frame-source.ts'
import { PictureTaker } from './picture-taker.ts'

/**
 * A file that the person picked, sent whole: each picture of a video, `maxFps` a second at most, or the one picture it is.
 * @example
 * input.onchange = () => session.send(file(input.files[0]))
 */
export function file(blob: Blob, { maxFps = 10, name = 'file' }: { maxFps?: number; name?: string } = {}): FrameSource {
  return {
    policy: 'all',
    name: blob instanceof File ? blob.name.slice(0, 100) : name,
    frames: ({ modelSize, signal }) => (blob.type.startsWith('image/') ? picture(blob, modelSize) : videoFrames(blob, maxFps, modelSize, signal)),
  }
}

async function* picture(blob: Blob, modelSize: () => readonly [number, number] | undefined): AsyncGenerator<Frame, void, void> {
  const image = await createImageBitmap(blob)
  yield await new PictureTaker().take({ image, width: image.width, height: image.height }, 0, modelSize())
  image.close()
}

/** Seeks from picture to picture, as fast as the decoder goes: nothing plays, nothing is skipped. */
async function* videoFrames(
  blob: Blob,
  maxFps: number,
  modelSize: () => readonly [number, number] | undefined,
  signal: AbortSignal,
): AsyncGenerator<Frame, void, void> {
  const video = document.createElement('video')
  const url = URL.createObjectURL(blob)
  try {
    video.muted = true
    video.preload = 'auto'
    video.src = url
    await heard(video, 'loadeddata')
    const taker = new PictureTaker()
    for (let time = 0; time < video.duration && !signal.aborted; time += 1 / maxFps) {
      if (time > 0) {
        const seeked = heard(video, 'seeked')
        video.currentTime = time
        await seeked
      }
      yield await taker.take({ image: video, width: video.videoWidth, height: video.videoHeight }, time * 1000, modelSize())
    }
  } finally {
    video.removeAttribute('src')
    URL.revokeObjectURL(url)
  }
}

function heard(video: HTMLVideoElement, event: 'loadeddata' | 'seeked'): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      video.removeEventListener(event, done)
      video.removeEventListener('error', done)
      if (video.error) reject(new Error(`This browser cannot play the file: ${video.error.message || 'unknown format'}.`))
      else resolve()
    }
    video.addEventListener(event, done)
    video.addEventListener('error', done)
  })
}
