import { readFileSync } from 'node:fs'
import { decodeRle, encodeRle } from '@fovea/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outline } from './mask-rle.ts'

type Case = { shape: [number, number]; logits: number[]; size: [number, number]; counts: string; area: number; xywh: number[] }
const { masks } = JSON.parse(readFileSync(new URL('../../test/fixtures/pictures.json', import.meta.url), 'utf8')) as { masks: Case[] }

test.each(masks)(
  '$shape → $size: what PyTorch upsamples and pycocotools encodes',
  ({ shape, logits, size: [height, width], counts, area, xywh: [x = 0, y = 0, w = 0, h = 0] }) => {
    const made = outline(Float32Array.from(logits), shape, { height, width })
    if (!made) throw new Error('There is a mask.')
    // Values within rounding of zero may fall on either side.
    const [ours, theirs] = [decodeRle(made.mask), decodeRle({ size: [height, width], counts })]
    const different = ours.reduce((sum, bit, index) => sum + (bit === theirs[index] ? 0 : 1), 0)
    expect(different / area).toBeLessThan(0.001)
    if (different === 0) expect(made.mask.counts).toBe(counts)
    expect(Math.abs(made.area - area)).toBeLessThanOrEqual(different)
    const box = [x / width, y / height, (x + w) / width, (y + h) / height]
    made.box.forEach((value, index) => expect(Math.abs(value - (box[index] ?? 0))).toBeLessThan(0.02))
  },
)

test('the runs are those of the picture that upsampling each pixel would give', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 23 }),
      fc.integer({ min: 1, max: 23 }),
      fc.infiniteStream(fc.integer({ min: -8, max: 8 })),
      (h, w, height, width, values) => {
        const logits = Float32Array.from({ length: h * w }, () => (values.next().value ?? 0) + 0.37)
        const slow = new Uint8Array(height * width)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) slow[y * width + x] = at(logits, h, w, ((y + 0.5) * h) / height - 0.5, ((x + 0.5) * w) / width - 0.5) > 0 ? 1 : 0
        const made = outline(logits, [h, w], { height, width })
        if (slow.some(Boolean)) expect(made?.mask).toEqual(encodeRle(slow, height, width))
        else expect(made).toBeUndefined()
      },
    ),
  )
})

function at(logits: Float32Array, h: number, w: number, sy: number, sx: number): number {
  const [y, x] = [Math.max(0, sy), Math.max(0, sx)]
  const [y0, x0] = [Math.min(h - 1, Math.floor(y)), Math.min(w - 1, Math.floor(x))]
  const [y1, x1] = [Math.min(h - 1, y0 + 1), Math.min(w - 1, x0 + 1)]
  const value = (row: number, column: number): number => logits[row * w + column] ?? 0
  const top = value(y0, x0) + (value(y0, x1) - value(y0, x0)) * (x - x0)
  const bottom = value(y1, x0) + (value(y1, x1) - value(y1, x0)) * (x - x0)
  return top + (bottom - top) * (y - y0)
}
