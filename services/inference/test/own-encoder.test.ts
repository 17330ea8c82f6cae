import { mkdtemp, readFile, rm, symlink, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BundleManifest } from '@fovea/protocol'
import { afterAll, expect, test } from 'vitest'
import { OnnxModel } from '../src/model/onnx-model.ts'

// nano, with the small EdgeTAM of the fixtures in the place of its mask head: what `fovea model compose` makes.
const nano = join(import.meta.dirname, '../../../packages/model-nano')
const part = join(import.meta.dirname, 'fixtures/sam')
const folder = await mkdtemp(join(tmpdir(), 'fovea-own-encoder-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function composed(): Promise<string> {
  const base = BundleManifest.parse(JSON.parse(await readFile(join(nano, 'manifest.json'), 'utf8')))
  const mask: { head: BundleManifest['heads'][number]; hashes: Record<string, string> } = JSON.parse(await readFile(join(part, 'mask.json'), 'utf8'))
  const hashes = { ...base.hashes, ...mask.hashes }
  const place = async (from: string, file: string): Promise<void> => {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await symlink(join(from, file), join(folder, file))
  }
  for (const file of Object.keys(base.hashes)) if (!(file in mask.hashes)) await place(nano, file)
  for (const file of Object.keys(mask.hashes)) await place(part, file)
  const heads = [...base.heads.filter(({ task }) => task !== 'mask'), mask.head]
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...base, name: 'nano+edgetam-test', heads, hashes, golden: undefined }))
  return folder
}

test('a bundle whose mask head has an encoder of its own follows from a box and from points, in pictures of the size of the bundle', async () => {
  const model = await OnnxModel.load(await composed())
  try {
    const { height, width } = model.image
    const picture = (step: number): Uint8Array => Uint8Array.from({ length: height * width * 3 }, (_, at) => ((at % (width * 3)) + at / 300 + step * 9) & 255)
    const { tracker } = model.heads
    if (!tracker) throw new Error('The bundle has a mask head.')
    const [scene] = await model.encode([picture(0)])
    if (!scene) throw new Error('A picture is a scene.')
    expect(scene.pixels?.dims).toEqual([1, height, width, 3])
    const prompts = [...(await tracker.prompt(scene, { box: [0.2, 0.2, 0.5, 0.6] })), ...(await tracker.prompt(scene, { points: [[0.7, 0.5, 1]] }))]
    const objects = prompts.map((prompt) => tracker.begin(prompt))
    for (let frame = 0; frame < 3; frame++) {
      const [seen] = await model.encode([picture(frame)])
      if (!seen) throw new Error('A picture is a scene.')
      const steps = await tracker.look(seen, objects, model.image)
      expect(steps.map(({ shape, score }) => [shape, score >= 0 && score <= 1])).toEqual(objects.map(() => [[32, 32], true]))
      await tracker.remember(
        seen,
        objects.flatMap((object, index) => (steps[index] ? [{ object, step: steps[index], prompted: frame === 0 }] : [])),
      )
    }
    expect(objects.map(({ memory }) => memory.entries().length)).toEqual([3, 3])
  } finally {
    await model.close()
  }
})
