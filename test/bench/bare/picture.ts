import sharp from 'sharp'

export const PICTURE = { width: 640, height: 480 }

/** A picture with edges, shades and noise, as JPEG of some 50 KB: what a camera sends. */
export async function cameraJpeg({ width, height } = PICTURE): Promise<Uint8Array> {
  const pixels = new Uint8Array(width * height * 3)
  let seed = 1
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)]
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    pixels[at] = 128 + 90 * Math.sin(x / 20 + (at % 3)) * Math.cos(y / 17) + (seed % 24)
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer()
}
