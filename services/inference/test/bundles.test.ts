import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Box, Rle } from '@fovea/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OnnxModel } from '../src/model/onnx-model.ts'
import { graphDifferences, maskIou, readGolden, replay, worstBoxIou, type Golden } from './golden.ts'
import { registerModelContract } from './model-contract.ts'
import { ScriptedModel } from './scripted-model.ts'

const BUNDLES = {
  toy: fileURLToPath(new URL('./fixtures/toy', import.meta.url)),
  // Decoders of Hugging Face's with a cache in place: heads on SigLIP's map, taught one clip (`fixtures/make_llava.py`); a video as one unit, random (`fovea-train export`).
  llava: fileURLToPath(new URL('./fixtures/llava-tiny', import.meta.url)),
  videochat: fileURLToPath(new URL('./fixtures/videochat-tiny', import.meta.url)),
  nano: fileURLToPath(new URL('../../../packages/model-nano', import.meta.url)),
  // One of your own, to be tried before it is served.
  ...(process.env['FOVEA_TEST_BUNDLE'] ? { given: process.env['FOVEA_TEST_BUNDLE'] } : {}),
}

registerModelContract('scripted', async () => new ScriptedModel({ script: () => '<p> the ball <region> here' }))

for (const [name, folder] of Object.entries(BUNDLES)) {
  // The embedded bundle is made by the trainer; a clone that has not got it yet tests with the toy alone.
  if (!existsSync(`${folder}/manifest.json`)) continue
  registerModelContract(name, () => OnnxModel.load(folder, { slots: 4 }))
  // A composed bundle has none: its parts were proved where they came from.
  if (!existsSync(`${folder}/golden/index.json`)) continue

  describe(`golden values of ${name}`, () => {
    let golden: Golden
    let model: OnnxModel
    beforeAll(async () => {
      golden = await readGolden(folder)
      model = await OnnxModel.load(folder, { slots: 2 })
    }, 60_000)
    afterAll(() => model?.close())

    test('every graph gives its golden outputs to 1e-3', async () => {
      for (const graph of Object.keys(golden.index.graphs)) {
        for (const [output, difference] of Object.entries(await graphDifferences(golden, graph)))
          expect(difference, `${graph}.${output}`).toBeLessThanOrEqual(1e-3)
      }
    }, 60_000)

    test('the golden asks give the same tokens, words, boxes, masks and spans', async () => {
      expect(golden.index.asks.length).toBeGreaterThan(0)
      for (const ask of golden.index.asks) {
        const made = await replay(model, folder, ask)
        expect(made.tokens, ask.text).toEqual(ask.tokens)
        expect(made.answer).toBe(ask.answer)
        expect(made.evidence.map(({ task, query }) => [task, query])).toEqual(ask.evidence.map(({ task, query }) => [task, query]))
        for (const [index, { sight }] of made.evidence.entries()) {
          const wanted = ask.evidence[index]
          if (sight.regions?.length || sight.spans?.length || sight.mask)
            expect(Math.abs(sight.score - (wanted?.object ?? -1)), `${ask.text}: object`).toBeLessThanOrEqual(2e-3)
          if (wanted?.boxes)
            expect(
              worstBoxIou(
                (sight.regions ?? []).map(({ box }) => box),
                wanted.boxes as Box[],
              ),
            ).toBeGreaterThanOrEqual(0.99)
          if (wanted?.mask) expect(sight.mask && maskIou(sight.mask, wanted.mask as Rle)).toBeGreaterThanOrEqual(0.99)
        }
      }
    }, 60_000)
  })
}
