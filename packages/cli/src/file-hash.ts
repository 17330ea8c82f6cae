import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** SHA-256 of a file of any size, read piece by piece. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest('hex')
}

/** Why a file cannot be read, in a few words: of what is not there, that it is missing. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'missing'
  if (code === 'EISDIR') return 'a folder; a file is expected'
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it'
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`
}
