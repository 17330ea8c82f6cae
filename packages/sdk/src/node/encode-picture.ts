import sharp from 'sharp'
import { sendSize } from '../frame-source.ts'
import type { Frame } from '../frame-source.ts'

type Raw = { data: Uint8Array; width: number; height: number; channels: 3 | 4 }
type Model = readonly [number, number] | undefined

const QUALITY = 90

/** A picture in a file format, as a frame: passed through where it is fit to travel, else turned upright, shrunk and encoded again. */
export async function encodePicture(bytes: Uint8Array, mediaTime: number, model: Model): Promise<Frame> {
  const { width, height, format, orientation = 1 } = await sharp(bytes).metadata()
  // Orientations 5–8 stand the picture on its side.
  const [seenWidth, seenHeight] = orientation >= 5 ? [height, width] : [width, height]
  const size = sendSize(seenWidth, seenHeight, model)
  if (orientation === 1 && size.width === width && (format === 'jpeg' || format === 'webp')) return { data: bytes, codec: format, width, height, mediaTime }
  const { data, info } = await sharp(bytes)
    .autoOrient()
    .resize(size.width, size.height, { fit: 'fill' })
    .flatten({ background: 'white' })
    .jpeg({ quality: QUALITY })
    .toBuffer({ resolveWithObject: true })
  return { data, codec: 'jpeg', width: info.width, height: info.height, mediaTime }
}

/** How decoded pixels are to be shown, where that differs: turned clockwise, and stretched to the shape of the display. */
type Shown = { width: number; height: number; rotation: number }

/** Pixels as a frame. */
export async function encodePixels(
  { data, width, height, channels }: Raw,
  mediaTime: number,
  model: Model,
  shown: Shown = { width, height, rotation: 0 },
): Promise<Frame> {
  const size = sendSize(shown.width, shown.height, model)
  const pixels = sharp(data, { raw: { width, height, channels } })
  if (shown.rotation !== 0) pixels.rotate(shown.rotation)
  const { data: jpeg, info } = await pixels
    .resize(size.width, size.height, { fit: 'fill' })
    .flatten({ background: 'white' })
    .jpeg({ quality: QUALITY })
    .toBuffer({ resolveWithObject: true })
  return { data: jpeg, codec: 'jpeg', width: info.width, height: info.height, mediaTime }
}
