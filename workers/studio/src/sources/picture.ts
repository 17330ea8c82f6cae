import { element } from '../element.ts'
import type { Source } from './source.ts'

/** A still picture is shown to the model this often: a new watch or track then has something to see. */
const STILL_MS = 500
/** Long enough for any picture that was meant to be watched; a longer one plays its beginning. */
const MOST_FRAMES = 600

type Step = { image: ImageBitmap; ms: number }

/** A picture, or an animated one (GIF, WebP, APNG, AVIF) that plays round and round. */
export async function pictureSource(title: string, picture: Blob): Promise<Source> {
  const steps = await decode(picture)
  const [first] = steps
  if (!first) throw new Error('the picture holds no frame.')
  const canvas = element('canvas', { width: first.image.width, height: first.image.height, 'aria-hidden': true })
  const context = canvas.getContext('2d')
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const resolve of waiting) resolve()
    waiting.clear()
  }
  let playing = true
  let timer: ReturnType<typeof setTimeout> | undefined
  const show = (index: number) => {
    const step = steps[index % steps.length] ?? first
    if (playing) {
      context?.clearRect(0, 0, canvas.width, canvas.height)
      context?.drawImage(step.image, 0, 0, canvas.width, canvas.height)
    }
    wake()
    timer = setTimeout(() => show(playing ? index + 1 : index), step.ms)
  }
  show(0)
  return {
    title,
    isStill: steps.length === 1,
    surface: canvas,
    size: () => ({ width: canvas.width, height: canvas.height }),
    time: () => undefined,
    next: (signal) =>
      new Promise((resolve) => {
        waiting.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
    ...(steps.length > 1 && { toggle: () => (playing = !playing) }),
    close: () => {
      clearTimeout(timer)
      wake()
      for (const step of steps) step.image.close()
    },
  }
}

async function decode(picture: Blob): Promise<Step[]> {
  const still = async () => [{ image: await createImageBitmap(picture), ms: STILL_MS }]
  if (!('ImageDecoder' in globalThis) || !(await ImageDecoder.isTypeSupported(picture.type))) return still()
  const decoder = new ImageDecoder({ data: picture.stream(), type: picture.type })
  try {
    await decoder.completed
    const count = Math.min(MOST_FRAMES, decoder.tracks.selectedTrack?.frameCount ?? 1)
    if (count <= 1) return await still()
    const steps: Step[] = []
    for (let frameIndex = 0; frameIndex < count; frameIndex++) {
      const { image } = await decoder.decode({ frameIndex })
      steps.push({ image: await createImageBitmap(image), ms: Math.max(20, (image.duration ?? 100_000) / 1000) })
      image.close()
    }
    return steps
  } finally {
    decoder.close()
  }
}
