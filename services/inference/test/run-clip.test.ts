import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeRle, type Point } from '@fovea/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ClipRun, type Prediction } from '../src/evaluation/run-clip.ts'
import { OnnxModel } from '../src/model/onnx-model.ts'
import { PictureDecoder } from '../src/pictures/picture-decoder.ts'

const bundle = fileURLToPath(new URL('./fixtures/llava-tiny', import.meta.url))
const FRAMES = [7, 6, 5] // as it was taught: the last frame is pointed at, those before it follow
const SHOE: Point = [0.867, 0.789, 1]
const KANGAROO: Point = [0.195, 0.68, 1]
let folder: string
let whole: OnnxModel
let less: OnnxModel // the same without a graph for points
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-no-points-'))
  await cp(bundle, folder, { recursive: true })
  const manifest: { heads: { task: string; graphs: Record<string, unknown> }[] } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
  for (const head of manifest.heads) delete head.graphs['prompt.points']
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  whole = await OnnxModel.load(bundle, { slots: 1 })
  less = await OnnxModel.load(folder, { slots: 1 })
})
afterAll(async () => {
  await Promise.all([whole.close(), less.close()])
  await rm(folder, { recursive: true, force: true })
})

async function clip(model: OnnxModel): Promise<ClipRun> {
  const frames = FRAMES.map((frame) => `golden/a0${frame}.png`)
  return ClipRun.open(model, await PictureDecoder.open({ exact: true }), bundle, { clip: 'c', frames, times: FRAMES.map((_, index) => index * 500), asks: [] })
}

/** Whether the outline in a frame of a track covers a point. */
function covers({ heads }: Prediction, frame: number, [x, y]: Point): boolean {
  const mask = heads[0]?.track?.[frame]?.mask
  const [height, width] = mask?.size ?? [0, 0]
  return mask !== undefined && decodeRle(mask)[Math.floor(y * height) * width + Math.floor(x * width)] === 1
}

test('what a model cannot be prompted with counts as missed, and the evaluation goes on', async () => {
  const run = await clip(less)
  const pointed = await run.predict({ prompt: { frame: 0, points: [[0.5, 0.5, 1]] }, expect: {} })
  expect(pointed.heads).toEqual([{ task: 'track', phrase: '', track: [] }])
  const boxed = await run.predict({ prompt: { frame: 0, box: [0.2, 0.2, 0.7, 0.7] }, expect: {} })
  expect(boxed.heads[0]?.track).toHaveLength(3)
})

test('what a point is on is outlined, from another point something else', async () => {
  const run = await clip(whole)
  const from = async (point: Point): Promise<Prediction> => run.predict({ prompt: { frame: 0, points: [point] }, expect: {} })
  const [shoe, kangaroo] = [await from(SHOE), await from(KANGAROO)]
  expect([shoe.heads[0]?.track?.length, kangaroo.heads[0]?.track?.length]).toEqual([3, 3])
  expect([covers(shoe, 0, SHOE), covers(shoe, 0, KANGAROO)]).toEqual([true, false])
  expect([covers(kangaroo, 0, KANGAROO), covers(kangaroo, 0, SHOE)]).toEqual([true, false])
})
