import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildOptions } from 'esbuild'
import { inRepository, REPOSITORY } from './repository.ts'

const FOLDER = inRepository('node_modules/.cache/fovea')

type Entry = { inputs: Record<string, string>; text: string }

/** One bundled module as text, from the last build where none of the files that went into it has changed since. */
export async function cachedBuild(name: string, options: BuildOptions): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(options)).digest('hex').slice(0, 16)
  const file = join(FOLDER, `${name}-${key}.json`)
  const kept = await readEntry(file)
  if (kept && (await isFresh(kept))) return kept.text
  // Loaded only where something has to be built.
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({ ...options, absWorkingDir: REPOSITORY, write: false, metafile: true, logLevel: 'silent' })
  const text = outputFiles[0]?.text
  if (text === undefined) throw new Error(`esbuild made nothing of ${name}.`)
  const inputs = Object.fromEntries(await Promise.all(Object.keys(metafile.inputs).map(async (path): Promise<[string, string]> => [path, await stampOf(path)])))
  await mkdir(FOLDER, { recursive: true })
  // Two houses may start at once: each writes a file of its own and puts it in place whole.
  const fresh = `${file}.${process.pid}`
  await writeFile(fresh, JSON.stringify({ inputs, text } satisfies Entry))
  await rename(fresh, file)
  return text
}

async function isFresh({ inputs }: Entry): Promise<boolean> {
  const stamps = await Promise.all(Object.entries(inputs).map(async ([path, stamp]) => (await stampOf(path)) === stamp))
  return stamps.every(Boolean)
}

/** Time and size of a file; empty for what is no file, such as what esbuild made up itself. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(join(REPOSITORY, path)).catch(() => undefined)
  return found ? `${found.mtimeMs}-${found.size}` : ''
}

async function readEntry(file: string): Promise<Entry | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  return isEntry(value) ? value : undefined
}

function isEntry(value: unknown): value is Entry {
  return (
    typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string' && 'inputs' in value && typeof value.inputs === 'object'
  )
}
