import { decodeRle, type Evidence } from '@fovea/protocol'
import sharp, { type Sharp } from 'sharp'
import type { PictureRequest } from './picture-decoder.ts'

const COLOUR = '#00b894'

/** A kept picture as JPEG: as it came, where it came as one. */
export async function asJpeg(picture: PictureRequest): Promise<Uint8Array> {
  return picture.codec === 'jpeg' ? picture.bytes : open(picture).jpeg({ quality: 85 }).toBuffer()
}

/** A kept picture with its evidence drawn over it, as PNG [PE4]. */
export async function overlay(picture: PictureRequest, evidence: Evidence): Promise<Uint8Array> {
  const { width, height } = picture
  const layers = [
    ...(evidence.mask ? [{ input: await tint(evidence.mask, { width, height }), left: 0, top: 0 }] : []),
    { input: Buffer.from(drawing(evidence, { width, height })), left: 0, top: 0 },
  ]
  return open(picture).composite(layers).png({ compressionLevel: 6 }).toBuffer()
}

function open({ codec, bytes, width, height, maxPixels }: PictureRequest): Sharp {
  return codec === 'rgb8' ? sharp(bytes, { raw: { width, height, channels: 3 } }) : sharp(bytes, { limitInputPixels: maxPixels })
}

async function tint(mask: NonNullable<Evidence['mask']>, { width, height }: { width: number; height: number }): Promise<Buffer> {
  const [h, w] = mask.size
  const bits = decodeRle(mask)
  const pixels = new Uint8Array(h * w * 4)
  bits.forEach((bit, index) => {
    if (bit) pixels.set([0, 184, 148, 120], index * 4)
  })
  return sharp(pixels, { raw: { width: w, height: h, channels: 4 } })
    .resize(width, height, { fit: 'fill', kernel: 'nearest' })
    .png()
    .toBuffer()
}

/** Boxes, the phrase, and a bar of the spans, as SVG in the picture's own size. */
export function drawing(evidence: Evidence, { width, height }: { width: number; height: number }): string {
  const line = Math.max(2, Math.round(Math.min(width, height) / 160))
  const font = Math.max(11, Math.round(Math.min(width, height) / 26))
  const boxes = evidence.regions?.map(({ box, score }) => ({ box, score })) ?? (evidence.box ? [{ box: evidence.box, score: evidence.score }] : [])
  const shapes = boxes.map(({ box: [x0, y0, x1, y1], score }, index) => {
    const [x, y] = [x0 * width, y0 * height]
    const label = `${index === 0 ? `${evidence.label ?? evidence.query} ` : ''}${score.toFixed(2)}`
    const above = y > font * 1.4 ? y - font * 0.4 : y + font * 1.1
    return `<rect x="${x}" y="${y}" width="${(x1 - x0) * width}" height="${(y1 - y0) * height}" fill="none" stroke="${COLOUR}" stroke-width="${line}"/>${words(label, x + line, above, font, width)}`
  })
  const absent = boxes.length === 0 && !evidence.mask && !evidence.spans?.length
  if (absent) shapes.push(words(`${evidence.query}: not in view (${evidence.score.toFixed(2)})`, font, font * 1.5, font, width))
  if (evidence.spans?.length)
    shapes.push(
      words(
        `${evidence.query}: ${evidence.spans.map(({ start, end }) => `${(start / 1000).toFixed(1)}–${(end / 1000).toFixed(1)} s`).join(', ')}`,
        font,
        height - font,
        font,
        width,
      ),
    )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`
}

function words(text: string, x: number, y: number, size: number, width: number): string {
  const safe = text
    .slice(0, 120)
    .replace(/[^\p{L}\p{N}\p{P}\p{Zs}]/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
  // A bold letter is some 0.62 of its size wide: a label near the right edge moves left until it fits.
  const left = Math.max(0, Math.min(x, width - safe.length * size * 0.62))
  return `<text x="${left}" y="${y}" font-family="sans-serif" font-size="${size}" font-weight="bold" fill="white" stroke="black" stroke-width="${size / 6}" paint-order="stroke">${safe}</text>`
}
