import { cp, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { cachedBuild } from './cached-build.ts'
import { inRepository } from './repository.ts'

const COPIED = new Set(['.html', '.css', '.svg', '.webmanifest', '.png'])

/** The studio page, built into a folder: its script by esbuild, its other files copied. False where there is no studio. */
export async function bundleStudio(into: string, from = inRepository('workers/studio')): Promise<boolean> {
  const entry = join(from, 'src/main.ts')
  if (!(await isFile(entry))) return false
  await mkdir(into, { recursive: true })
  for (const name of await readdir(join(from, 'src'))) if (COPIED.has(extname(name))) await cp(join(from, 'src', name), join(into, name))
  const script = await cachedBuild('studio', { entryPoints: [entry], bundle: true, format: 'esm', target: 'es2022', minify: true, conditions: ['browser'] })
  await writeFile(join(into, 'main.js'), script)
  return true
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}
