import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The secrets of a local system: made on the first run, readable by its owner alone. */
export type Keys = { api: string; backend: string; ticketSecret: string }

/** Reads the keys of a data folder, or makes them. */
export async function keysIn(file: string): Promise<Keys> {
  const found = await readFile(file, 'utf8').catch(() => undefined)
  if (found !== undefined) {
    const keys = parsed(found)
    if (isKeys(keys)) return keys
    throw new Error(`${file} should hold the keys {api, backend, ticketSecret}; it holds something else. Move it away, and new keys are made.`)
  }
  const keys: Keys = { api: `fv_${secret()}`, backend: `fvb_${secret()}`, ticketSecret: secret() }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600 })
  return keys
}

/** What the catalogue stores of a key. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function secret(): string {
  return randomBytes(24).toString('base64url')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isKeys(value: unknown): value is Keys {
  if (typeof value !== 'object' || value === null) return false
  return ['api', 'backend', 'ticketSecret'].every((name) => name in value && typeof Object.entries(value).find(([key]) => key === name)?.[1] === 'string')
}
