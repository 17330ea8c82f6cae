import type { Codec } from '@fovea/protocol'
import sharp from 'sharp'

/** What a picture says of itself: its codec and size; undefined where it is none of those that frames may have. */
export async function pictureSize(bytes: Uint8Array): Promise<{ codec: Codec; width: number; height: number } | undefined> {
  const meta = await sharp(bytes)
    .metadata()
    .catch(() => undefined)
  if (!meta?.width || !meta.height) return undefined
  const codec = (['jpeg', 'png', 'webp'] as const).find((each) => each === meta.format)
  return codec && { codec, width: meta.width, height: meta.height }
}
