import type { Evidence } from '@fovea/protocol'
import type { Session } from '@fovea/sdk/browser'
import type { KeptFrame } from './kept-frames.ts'

/** The frame that evidence came from, as the backend still keeps it; undefined where it is gone [FR8]. */
export async function pictureOf(session: Session, { stream, frame, mediaTime }: Evidence): Promise<KeptFrame | undefined> {
  try {
    const picture = new Blob([new Uint8Array(await session.picture({ stream, frame }))], { type: 'image/jpeg' })
    const { width, height } = await sizeOf(picture)
    return { mediaTime, width, height, picture }
  } catch {
    // Gone there too: nothing is shown rather than another frame in its place.
    return undefined
  }
}

async function sizeOf(picture: Blob): Promise<{ width: number; height: number }> {
  const bitmap = await createImageBitmap(picture)
  const { width, height } = bitmap
  bitmap.close()
  return { width, height }
}
