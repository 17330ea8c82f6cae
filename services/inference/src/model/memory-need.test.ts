import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BundleManifest, MaskHead } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { headLines, type Outlines } from './activations.ts'
import { lookAtFiles, memoryNeed, objectsAtOnce, refuseUnlessItFits, type MemoryNeed } from './memory-need.ts'

const fixtures = join(import.meta.dirname, '../../test/fixtures')
const manifestOf = (folder: string) => BundleManifest.parse(JSON.parse(readFileSync(join(fixtures, folder, 'manifest.json'), 'utf8')))
const shares = { slots: 1, chunk: 1 }
const lineOf = ({ lines }: Pick<MemoryNeed, 'lines'>, what: string): number => lines.find((line) => line.what === what)?.bytes ?? 0
const MB = 1024 * 1024

test('a clip is looked at by all tokens of all its frames at once, twice: UMT-L over sixteen frames takes 1.3 GB', async () => {
  const manifest = manifestOf('videochat-tiny')
  const files = await lookAtFiles(join(fixtures, 'videochat-tiny'), manifest)
  const need = memoryNeed({ ...manifest, sampling: { ...manifest.sampling, frames: 16 } }, files, shares)
  expect(lineOf(need, 'scores of the encoder')).toBe(16 * 3136 ** 2 * 2 * 4)
  expect(lineOf(need, 'pictures on their way')).toBe(16 * 224 * 224 * 256)
})

test('frames that are encoded together count each', async () => {
  const manifest = manifestOf('llava-tiny')
  const files = await lookAtFiles(join(fixtures, 'llava-tiny'), manifest)
  const [one, eight] = [1, 8].map((batch) => memoryNeed(manifest, files, { ...shares, batch }))
  for (const what of ['pictures on their way', 'scores of the encoder'])
    expect(lineOf(eight ?? { lines: [] }, what)).toBe(8 * lineOf(one ?? { lines: [] }, what))
})

test('halves are widened by a CPU alone; a GPU takes weights as they are stored', async () => {
  const manifest = manifestOf('inplace-half')
  const files = await lookAtFiles(join(fixtures, 'inplace-half'), manifest)
  const weights = (['cpu', 'cuda', 'webgpu'] as const).map((provider) => lineOf(memoryNeed(manifest, files, { ...shares, provider }), 'weights of decoder'))
  const stored = ['decoder.onnx', 'decoder.onnx.data'].reduce((sum, file) => sum + (files.sizes.get(file) ?? 0), 0)
  expect(weights).toEqual([3 * stored, stored, stored])
})

/** The mask head of the fixtures with the memory of a real one: cells of its map a side, tokens a frame. */
function followed(side: number, tokens: number): number {
  const { head } = z.object({ head: MaskHead }).parse(JSON.parse(readFileSync(join(fixtures, 'sam/mask.json'), 'utf8')))
  const inputs = new Map(Object.entries({ memory: ['Q', 'M', tokens, 64], pointers: ['Q', 'P', 256] }))
  const outlines: Outlines = new Map([['mask-attend.onnx', { external: [], attends: true, inputs, outputs: new Map([['attended', ['Q', 256, side, side]]]) }]])
  return headLines([head], outlines).object
}
const needing = (bytes: number, object: number): MemoryNeed => ({ lines: [], bytes, slotBytes: 0, object })

test('an object of SAM 2.1 at 1024 px takes 1.2 GB when its memory is full; the smaller memory of EdgeTAM a third', () => {
  expect(followed(64, 4096) / 1e9).toBeCloseTo(1.2, 1)
  expect(followed(64, 512) / 1e9).toBeCloseTo(0.39, 1)
  expect(followed(32, 512) / 1e9).toBeCloseTo(0.07, 1)
})

test('as many objects go into one run as fit into the budget and into a gigabyte, one at least', () => {
  expect(objectsAtOnce(needing(2000 * MB, 1200 * MB), 64_000 * MB)).toBe(1)
  expect(objectsAtOnce(needing(500 * MB, 100 * MB), 64_000 * MB)).toBe(10)
  expect(objectsAtOnce(needing(500 * MB, 100 * MB), 750 * MB)).toBe(3)
  expect(objectsAtOnce(needing(500 * MB, 0), 500 * MB)).toBe(Infinity)
})

test('what was tried before is told where the last provider needs too much', () => {
  expect(() => refuseUnlessItFits(needing(3000 * MB, 0), 2000 * MB, ['Tried before it: cuda, which said: no driver'])).toThrow(
    /needs 3000 MB and may take 2000 MB[\s\S]*cuda, which said: no driver/,
  )
})
