import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkFiles, EMBEDDED_BUNDLE, readManifest } from './bundle.ts'

test('each file is told whole, changed, missing or unreadable, with its length', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-bundle-'))
  const hash = createHash('sha256').update('abc').digest('hex')
  await writeFile(join(folder, 'whole'), 'abc')
  await writeFile(join(folder, 'changed'), 'abcd')
  await mkdir(join(folder, 'folder'))
  const manifest = await readManifest(EMBEDDED_BUNDLE)
  const hashes = { whole: hash, changed: hash, gone: hash, folder: hash }
  expect(await checkFiles(folder, { ...manifest, hashes })).toEqual([
    { file: 'whole', bytes: 3 },
    { file: 'changed', bytes: 4, problem: expect.stringMatching(/SHA-256 ba7816bf8f01… expected, 88d4266fd4e6… found/) },
    { file: 'gone', bytes: 0, problem: 'missing' },
    { file: 'folder', bytes: 0, problem: 'a folder; a file is expected' },
  ])
  await rm(folder, { recursive: true })
})
