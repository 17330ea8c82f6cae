import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Evidence } from '../evidence.ts'
import { Rle } from '../mask.ts'
import { fromCoco, fromCocoBox, fromCocoSegmentation, toCoco, toCocoBox, type CocoBox } from './coco.ts'

const masks = z
  .array(z.object({ name: z.string(), rle: Rle, area: z.number(), bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]) }))
  .parse(JSON.parse(readFileSync(new URL('../../../../schemas/golden/rle.json', import.meta.url), 'utf8')))
const seen: Evidence = {
  id: 'ev_0123456789',
  version: 1,
  task: 'region',
  token: '<region>',
  query: 'cup',
  score: 0.9,
  stream: 0,
  frame: 3,
  mediaTime: 100,
  receivedAt: 0,
  model: { bundle: 'nano', hash: 'ab', head: 'region' },
}

test('[PE3] boxes go to COCO pixels and back', () => {
  const picture = { width: 640, height: 480 }
  expect(toCocoBox([0.25, 0.5, 0.75, 1], picture)).toEqual([160, 240, 320, 240])
  expect(fromCocoBox([160, 240, 320, 240], picture)).toEqual([0.25, 0.5, 0.75, 1])
  const outside: CocoBox = [-3, 470, 700, 20]
  expect(fromCocoBox(outside, picture)).toEqual([0, 470 / 480, 1, 1])
})

test('[PE3] several boxes become several annotations with their own ids, and absence none', () => {
  const image = { id: 7, width: 100, height: 50 }
  const rows = toCoco(
    {
      ...seen,
      regions: [
        { box: [0, 0, 0.5, 1], score: 0.9 },
        { box: [0.5, 0, 1, 1], score: 0.6 },
      ],
    },
    { image, category: 4, firstId: 11 },
  )
  expect(rows).toEqual([
    { id: 11, image_id: 7, category_id: 4, iscrowd: 0, bbox: [0, 0, 50, 50], area: 2500, score: 0.9 },
    { id: 12, image_id: 7, category_id: 4, iscrowd: 0, bbox: [50, 0, 50, 50], area: 2500, score: 0.6 },
  ])
  expect(fromCoco(rows, image)).toEqual([
    { box: [0, 0, 0.5, 1], score: 0.9 },
    { box: [0.5, 0, 1, 1], score: 0.6 },
  ])
  expect(toCoco({ ...seen, score: 0.1, regions: [] }, { image, category: 4 })).toEqual([])
})

test.each(masks.filter((entry) => entry.area > 0).map((entry) => [entry.name, entry] as const))(
  '[PE3] a mask keeps the box and area that pycocotools gives it: %s',
  (_, { rle, area, bbox }) => {
    const [height, width] = rle.size
    const [row] = toCoco({ ...seen, task: 'mask', mask: rle }, { image: { id: 1, width, height }, category: 1 })
    expect(row).toMatchObject({ area, segmentation: rle })
    row?.bbox.forEach((value, index) => expect(value).toBeCloseTo(bbox[index] ?? NaN, 9))
  },
)

test('[PE3] plain run lengths of crowds become the compressed string; polygons are refused in words', () => {
  expect(fromCocoSegmentation({ size: [2, 3], counts: [5, 1] })).toEqual(masks.find((entry) => entry.name === 'last pixel set')?.rle)
  expect(() => fromCocoSegmentation([[0, 0, 5, 0, 5, 5]])).toThrow(/frPyObjects/)
})
