import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Rle, decodeRle, encodeRle, rleArea, rleBox } from './mask.ts'

/** Made with pycocotools by scripts/make_rle_fixtures.py; large masks are told by rectangles of ones [y0, x0, y1, x1]. */
const Case = z.object({
  name: z.string(),
  rle: Rle,
  area: z.number(),
  bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  rows: z.array(z.string()).optional(),
  rectangles: z.array(z.tuple([z.int(), z.int(), z.int(), z.int()])).optional(),
})
const cases = z.array(Case).parse(JSON.parse(readFileSync(new URL('../../../schemas/golden/rle.json', import.meta.url), 'utf8')))

function pixels({ rle, rows, rectangles = [] }: z.infer<typeof Case>): Uint8Array {
  const [height, width] = rle.size
  if (rows) return Uint8Array.from(rows.join(''), Number)
  const mask = new Uint8Array(height * width)
  for (const [y0, x0, y1, x1] of rectangles) for (let y = y0; y < y1; y++) mask.fill(1, y * width + x0, y * width + x1)
  return mask
}

test.each(cases.map((entry) => [entry.name, entry] as const))('RLE is byte-equal to pycocotools: %s', (_, entry) => {
  const [height, width] = entry.rle.size
  const mask = pixels(entry)
  expect(encodeRle(mask, height, width)).toEqual(entry.rle)
  expect(Buffer.from(decodeRle(entry.rle)).equals(Buffer.from(mask))).toBe(true)
  expect(rleArea(entry.rle)).toBe(entry.area)
  const box = rleBox(entry.rle)
  const [x, y, w, h] = entry.bbox
  if (!box) expect(entry.area).toBe(0)
  else expect([box[0] * width, box[1] * height, (box[2] - box[0]) * width, (box[3] - box[1]) * height].map(Math.round)).toEqual([x, y, w, h])
})

test('any mask survives the round trip', () => {
  const mask = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
    .chain(([height, width]) =>
      fc.tuple(fc.constant(height), fc.constant(width), fc.uint8Array({ minLength: height * width, maxLength: height * width, max: 1 })),
    )
  fc.assert(
    fc.property(mask, ([height, width, bits]) => {
      const rle = encodeRle(bits, height, width)
      expect(decodeRle(rle)).toEqual(bits)
      expect(rleArea(rle)).toBe(bits.reduce((sum, bit) => sum + bit, 0))
    }),
  )
})

test('a string that is no RLE is refused with a RangeError, never with a hang or a wrong mask', () => {
  const anything = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.string({ unit: fc.integer({ min: 48, max: 111 }).map((code) => String.fromCharCode(code)), maxLength: 30 }),
  )
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (counts, height, width) => {
      try {
        expect(decodeRle({ size: [height, width], counts })).toHaveLength(height * width)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 500 },
  )
})

test('a few bytes that name a huge mask allocate nothing', () => {
  expect(() => decodeRle({ size: [65_535, 65_535], counts: '0' })).toThrow(/at most 67108864 pixels; 65535×65535 came/)
  expect(Rle.safeParse({ size: [1_000_000, 1], counts: '0' }).success).toBe(false)
})
