import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder with those above it; `what` says in an error what it was to be. Node's own `recursive` never ends where
 * a file system answers "not there" to making a folder in one that is there, as /proc does.
 */
export async function makeFolder(path: string, what: string): Promise<void> {
  try {
    await make(resolve(path))
  } catch (error) {
    throw new Error(`${path} cannot be ${what}: ${reason(error)}`, { cause: error })
  }
}

async function make(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return
  if (found) throw new Error(`${path} is a file, a folder is expected.`)
  if (dirname(path) !== path) await make(dirname(path))
  // Another process may have made it in between.
  await mkdir(path).catch(async (error: unknown) => {
    if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error
  })
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'no folder can be made there.'
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not write there.'
  if (code === 'EROFS') return 'that file system is read-only.'
  return error instanceof Error ? error.message : String(error)
}
