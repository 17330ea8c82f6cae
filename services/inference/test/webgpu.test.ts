import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { OnnxModel } from '../src/model/onnx-model.ts'
import { readGolden, replay, worstBoxIou } from './golden.ts'
import type { Box } from '@fovea/protocol'

const TOY = fileURLToPath(new URL('./fixtures/toy', import.meta.url))
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json'
// Slow, and it needs Debian's chromium: the CI script asks for it with FOVEA_TEST_WEBGPU=1.
const wanted = process.env['FOVEA_TEST_WEBGPU'] === '1' && existsSync(SWIFTSHADER)

test.skipIf(!wanted)(
  'the webgpu provider gives the golden values too',
  async () => {
    Object.assign(process.env, { VK_ICD_FILENAMES: SWIFTSHADER, VK_DRIVER_FILES: SWIFTSHADER, XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? tmpdir() })
    const model = await OnnxModel.load(TOY, { providers: ['webgpu'], slots: 1 })
    expect(model.providers.used).toBe('webgpu')
    for (const ask of (await readGolden(TOY)).index.asks) {
      const made = await replay(model, TOY, ask)
      expect(made.tokens).toEqual(ask.tokens)
      expect(
        worstBoxIou(
          (made.evidence[0]?.sight.regions ?? []).map(({ box }) => box),
          (ask.evidence[0]?.boxes ?? []) as Box[],
        ),
      ).toBeGreaterThan(0.99)
    }
    await model.close()
  },
  180_000,
)

test.skipIf(!wanted)(
  'a cache written in place stays on the webgpu device, and answers are those of the CPU',
  async () => {
    Object.assign(process.env, { VK_ICD_FILENAMES: SWIFTSHADER, VK_DRIVER_FILES: SWIFTSHADER, XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? tmpdir() })
    const folder = fileURLToPath(new URL('./fixtures/inplace', import.meta.url))
    const said = async (provider: 'cpu' | 'webgpu'): Promise<number[]> => {
      const model = await OnnxModel.load(folder, { providers: [provider], slots: 2, prefillChunk: 5 })
      expect(model.providers.used).toBe(provider)
      const [scene] = await model.encode([new Uint8Array(32 * 32 * 3).fill(120)])
      if (!scene) throw new Error('A picture gives a scene.')
      const window = model.window([scene, scene, scene], [0, 100, 200])
      const tokens: number[] = []
      for (const slot of [0, 1]) {
        let { next } = await model.language.prefill(slot, window, 'where is the ball?')
        for (let count = 0; count < 5; count++) {
          tokens.push(next)
          const [step] = await model.language.feed([{ slot, ids: [next] }])
          next = step?.next ?? -1
        }
        model.language.rewind(slot, model.language.length(slot) - 2)
        model.language.release(slot)
      }
      await model.close()
      return tokens
    }
    expect(await said('webgpu')).toEqual(await said('cpu'))
  },
  180_000,
)

test('a provider that cannot run is refused with its reason, and the next one serves', async () => {
  const model = await OnnxModel.load(TOY, { providers: ['cuda', 'cpu'], slots: 1 })
  // On a machine with the CUDA libraries there is nothing to refuse.
  if (model.providers.used === 'cpu') expect(model.providers.refused).toMatchObject([{ provider: 'cuda', because: expect.stringMatching(/\w/) }])
  else expect(model.providers).toEqual({ used: 'cuda', refused: [] })
  await model.close()
})
