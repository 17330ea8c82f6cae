import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fillNewFolder } from './new-folder.ts'

let here: string
beforeEach(async () => {
  here = await mkdtemp(join(tmpdir(), 'fovea-new-folder-'))
})
afterEach(() => rm(here, { recursive: true }))

const fill = (half: string): Promise<void> => writeFile(join(half, 'a'), 'new')
const made = (name: string): Promise<void> => fillNewFolder(join(here, name), 'a bundle is composed', fill)

test('what is filled lies in its place, in an empty folder too, and nothing beside it', async () => {
  await mkdir(join(here, 'empty'))
  await made('empty')
  await made('above/new')
  expect([await readFile(join(here, 'empty/a'), 'utf8'), await readFile(join(here, 'above/new/a'), 'utf8')]).toEqual(['new', 'new'])
  expect([await readdir(here), await readdir(join(here, 'above'))]).toEqual([['above', 'empty'], ['new']])
  expect((await stat(join(here, 'above/new'))).mode).toBe((await stat(join(here, 'above'))).mode)
})

test('a file and a folder in use are refused and stay as they are', async () => {
  await writeFile(join(here, 'mine'), 'old')
  await mkdir(join(here, 'full'))
  await writeFile(join(here, 'full/b'), 'old')
  await expect(made('mine')).rejects.toThrow(/mine is a file; a bundle is composed into a new folder/)
  await expect(made('full')).rejects.toThrow(/full is not empty/)
  expect([await readFile(join(here, 'mine'), 'utf8'), await readFile(join(here, 'full/b'), 'utf8')]).toEqual(['old', 'old'])
})

test('where it goes wrong nothing is left, and what has a name like it is not touched', async () => {
  await mkdir(join(here, 'out.part'))
  await writeFile(join(here, 'out.part/mine'), 'old')
  await expect(fillNewFolder(join(here, 'out'), 'a bundle is composed', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  await made('out')
  expect([await readdir(here), await readdir(join(here, 'out.part'))]).toEqual([['out', 'out.part'], ['mine']])
})
