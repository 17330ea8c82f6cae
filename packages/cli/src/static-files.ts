import { readFile } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
}

export type StaticFile = { body: Buffer; type: string }

/** A file of the first folder that has it; undefined for what is not there or lies outside. */
export async function staticFile(folders: readonly string[], pathname: string): Promise<StaticFile | undefined> {
  const path = decoded(pathname.endsWith('/') ? `${pathname}index.html` : pathname)
  if (path === undefined) return undefined
  for (const folder of folders) {
    const file = join(folder, path)
    if (!file.startsWith(folder + sep)) continue
    const body = await readFile(file).catch(() => undefined)
    if (body) return { body, type: TYPES[extname(file)] ?? 'application/octet-stream' }
  }
  return undefined
}

/** Undefined where the escapes are none. */
function decoded(pathname: string): string | undefined {
  try {
    return normalize(decodeURIComponent(pathname))
  } catch {
    return undefined
  }
}
