import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { BundleManifest, tasksOf } from '@fovea/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkFiles, EMBEDDED_BUNDLE, readManifest } from '../bundle.ts'
import { inRepository } from '../repository.ts'
import { compose } from './compose.ts'
import { importPublished } from './import-published.ts'
import { inspectBundle } from './inspect-process.ts'

const INPLACE = inRepository('services/inference/test/fixtures/inplace')
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-compose-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** The embedded bundle's mask head by itself, as an exporter writes one. */
async function looseMask(taught?: string): Promise<string> {
  const { heads, hashes } = await readManifest(EMBEDDED_BUNDLE)
  const head = heads.find(({ task }) => task === 'mask')
  if (!head) throw new Error('The embedded bundle has a mask head.')
  const to = join(folder, 'loose')
  const files = Object.values(head.graphs).flatMap((graph) => (graph ? [graph.file] : []))
  for (const file of files) await cp(join(EMBEDDED_BUNDLE, file), join(to, file))
  const parts = [{ name: 'outlines', source: 'somewhere', licence: 'BSD-3-Clause' }]
  await writeFile(join(to, 'mask.json'), JSON.stringify({ part: 'mask', family: 'outlines', head, hashes, parts, taught }))
  return to
}

test('a backbone keeps its heads, one comes from another folder, and the whole says what it is made of', async () => {
  const out = join(folder, 'out')
  const { manifest, warnings } = await compose(out, { backbone: EMBEDDED_BUNDLE, heads: { mask: await looseMask() } })
  expect(manifest.heads.map(({ task }) => task)).toEqual(expect.arrayContaining(['region', 'moment', 'mask']))
  expect(manifest.parts?.filter(({ role }) => role).map(({ role }) => role)).toEqual(['backbone', 'region', 'moment', 'mask'])
  expect(manifest.licence).toBe('Apache-2.0 AND BSD-3-Clause')
  expect(warnings).toEqual([expect.stringMatching(/mask head from somewhere has not been trained.*Boxes and points/)])
  expect((await checkFiles(out, manifest)).filter(({ problem }) => problem)).toEqual([])
  expect((await inspectBundle(out, { load: true, slots: 1 })).misfits).toEqual([])
}, 120_000)

test('a head that was taught the phrases of this very backbone is not said to be untrained', async () => {
  const { name, version } = await readManifest(EMBEDDED_BUNDLE)
  const { warnings } = await compose(join(folder, 'out'), { backbone: EMBEDDED_BUNDLE, heads: { mask: await looseMask(`${name} ${version}`) } })
  expect(warnings).toEqual([])
})

test('weights beside a graph come along', async () => {
  const out = join(folder, 'out')
  await compose(out, { backbone: INPLACE, heads: { region: INPLACE }, name: 'again' })
  expect(await readdir(out)).toEqual(expect.arrayContaining(['decoder.onnx', 'decoder.onnx.data', 'region']))
  expect(BundleManifest.parse(JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'))).name).toBe('again')
  expect((await inspectBundle(out, { load: true })).loadMs).toBeGreaterThan(0)
})

test('heads that a backbone cannot feed are named with both sizes', async () => {
  const out = join(folder, 'out')
  await compose(out, { backbone: EMBEDDED_BUNDLE, heads: { region: INPLACE } })
  expect((await inspectBundle(out, { load: true })).misfits).toEqual([
    expect.stringMatching(/region.main takes states of width 32; the language model gives width 192/),
  ])
}, 120_000)

test('a head that is not there, a changed file and a folder in use are refused, and nothing is left', async () => {
  const out = join(folder, 'out')
  await expect(compose(out, { backbone: INPLACE, heads: { moment: INPLACE } })).rejects.toThrow(/has no head for moment; it has region/)
  const changed = join(folder, 'changed')
  await cp(INPLACE, changed, { recursive: true })
  await writeFile(join(changed, 'decoder.onnx.data'), 'x')
  await expect(compose(out, { backbone: changed, heads: {} })).rejects.toThrow(/decoder.onnx.data: SHA-256 .* expected/)
  await expect(compose(changed, { backbone: INPLACE, heads: {} })).rejects.toThrow(/is not empty/)
  const file = join(changed, 'manifest.json')
  const before = await readFile(file)
  await expect(compose(file, { backbone: INPLACE, heads: {} })).rejects.toThrow(/manifest.json is a file; a bundle is composed into a new folder/)
  expect(await readFile(file)).toEqual(before)
  expect(await readdir(folder)).toEqual(['changed'])
})

test('ONNX files that others publish are a mask head for boxes and points, in the folder as it is or taken in before', async () => {
  const published = inRepository('services/inference/test/fixtures/published')
  await importPublished(join(published, 'sam-video'), join(folder, 'taken-in'))
  for (const mask of [...['transformers', 'websam', 'efficienttam'].map((layout) => join(published, layout)), join(folder, 'taken-in')]) {
    const out = join(folder, `out-of-${basename(mask)}`)
    const { manifest, warnings } = await compose(out, { backbone: EMBEDDED_BUNDLE, heads: { mask } })
    expect(tasksOf(manifest)).toEqual(['region', 'moment', 'track'])
    expect(warnings).toEqual([expect.stringMatching(/takes no phrases.*box or points/)])
    expect((await inspectBundle(out, { load: true, slots: 1 })).misfits).toEqual([])
  }
}, 180_000)

test('beside a language model without its tokens a mask head takes boxes and points, whatever published it', async () => {
  const backbone = inRepository('services/inference/test/fixtures/videochat-tiny')
  const exported = inRepository('services/inference/test/fixtures/sam')
  for (const [mask, warning] of [
    [exported, /VideoChat.* has no token <mask>.*takes no phrases here. Boxes and points/i],
    [inRepository('services/inference/test/fixtures/published/sam-video'), /takes no phrases.*box or points/],
  ] as const) {
    const out = join(folder, `out-of-${basename(mask)}`)
    const { manifest, warnings } = await compose(out, { backbone, heads: { mask } })
    expect(warnings).toEqual([expect.stringMatching(warning)])
    expect(tasksOf(manifest)).toEqual(['region', 'track'])
    expect(await readdir(join(out, 'mask'))).not.toContain('mask-prompt-state.onnx')
    expect((await inspectBundle(out, { load: true, slots: 1 })).misfits).toEqual([])
  }
}, 120_000)

test('a folder of other ONNX files is refused with the names they have', async () => {
  await cp(join(INPLACE, 'embed.onnx'), join(folder, 'strange', 'x.onnx'))
  await expect(importPublished(join(folder, 'strange'), join(folder, 'out'))).rejects.toThrow(/no image encoder and mask decoder.*x\.onnx \(/)
})
