import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFolder } from './folder-lock.ts'
import { makeFolder } from './make-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-lock-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a data folder has one house; the second is told whose it is and where that answers', async () => {
  const lock = await lockFolder(folder)
  await expect(lockFolder(folder)).rejects.toThrow(`in use by pid ${process.pid}. Stop`)
  await lock.tell({ url: 'http://127.0.0.1:8787', workerd: undefined })
  await expect(lockFolder(folder)).rejects.toThrow('which answers at http://127.0.0.1:8787. Stop that one, or use --data')
  await lock.release()
  expect(await readdir(folder)).toEqual([])
  await (await lockFolder(folder)).release()
})

test('what a process that is gone has left behind is taken over, and so is what nobody can read', async () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  await writeFile(join(folder, 'in-use.json'), JSON.stringify({ pid, url: 'http://127.0.0.1:1' }))
  await (await lockFolder(folder)).release()
  await writeFile(join(folder, 'in-use.json'), 'half a li')
  await (await lockFolder(folder)).release()
})

test.runIf(process.platform === 'linux')('a later process with the same number does not hold the folder', async () => {
  await writeFile(join(folder, 'in-use.json'), JSON.stringify({ pid: process.pid, began: '1' }))
  await (await lockFolder(folder)).release()
})

test('folders are made with those above them; what cannot be one is said', async () => {
  await makeFolder(join(folder, 'a/b/c'), 'the data folder')
  await makeFolder(join(folder, 'a/b/c'), 'the data folder')
  await writeFile(join(folder, 'text.txt'), 'text')
  await expect(makeFolder(join(folder, 'text.txt'), 'the data folder')).rejects.toThrow(/text\.txt cannot be the data folder: .* is a file/)
  await expect(makeFolder(join(folder, 'text.txt/inside'), 'the data folder')).rejects.toThrow('is a file')
})

// Where making a folder answers "not there", as it does in /proc.
test.runIf(process.platform === 'linux')('a place where no folder can be made is said at once', async () => {
  await expect(makeFolder('/proc/fovea/data', 'the data folder')).rejects.toThrow('/proc/fovea/data cannot be the data folder')
})
