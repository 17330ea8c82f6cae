import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { makeFolder } from './make-folder.ts'

/** Refuses a place for a new folder where a file or a folder with something in it stands; `what` is to come there, such as "a bundle is composed". */
export async function refuseUnlessNew(path: string, what: string): Promise<void> {
  const files = await readdir(path).catch((error: unknown): string[] => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw new Error(`${path} is a file; ${what} into a new folder. Name one that is not there yet.`)
    throw error
  })
  if (files.length > 0) throw new Error(`${path} is not empty; ${what} into a new folder. Name one that is not there yet.`)
}

/** A new folder, filled beside its place and moved there when it is whole. Where `fill` fails nothing is left, and what else lies there is not touched. */
export async function fillNewFolder<Result>(path: string, what: string, fill: (half: string) => Promise<Result>): Promise<Result> {
  const folder = resolve(path)
  await refuseUnlessNew(folder, what)
  await makeFolder(dirname(folder), 'the place of a new folder')
  const room = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`))
  try {
    // One folder further in: a temporary one is closed to others, and the new one is to be like any.
    const half = join(room, basename(folder))
    await mkdir(half)
    const result = await fill(half)
    // Takes an empty folder away and no other.
    await rmdir(folder).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    })
    await rename(half, folder)
    return result
  } finally {
    await rm(room, { recursive: true, force: true })
  }
}
