import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ClipRun } from '../src/evaluation/run-clip.ts'
import { OnnxModel } from '../src/model/onnx-model.ts'
import { PictureDecoder } from '../src/pictures/picture-decoder.ts'

const bundle = fileURLToPath(new URL('./fixtures/llava-tiny', import.meta.url)) // its mask head has no graph for points
let model: OnnxModel
let run: ClipRun
beforeAll(async () => {
  model = await OnnxModel.load(bundle, { slots: 1 })
  const frames = [0, 1, 2].map((frame) => `golden/a0${frame}.png`)
  run = await ClipRun.open(model, await PictureDecoder.open({ exact: true }), bundle, { clip: 'c', frames, times: [0, 500, 1000], asks: [] })
})
afterAll(() => model.close())

test('what a model cannot be prompted with counts as missed, and the evaluation goes on', async () => {
  const pointed = await run.predict({ prompt: { frame: 0, points: [[0.5, 0.5, 1]] }, expect: {} })
  expect(pointed.heads).toEqual([{ task: 'track', phrase: '', track: [] }])
  const boxed = await run.predict({ prompt: { frame: 0, box: [0.2, 0.2, 0.7, 0.7] }, expect: {} })
  expect(boxed.heads[0]?.track).toHaveLength(3)
})
