import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { HubFile } from './hub-listing.ts'

export type DownloadOptions = {
  headers?: Record<string, string>
  onBytes?: (received: number) => void
  fetch?: typeof fetch
  /** tries in a row that may bring nothing new */
  attempts?: number
  wait?: (ms: number) => Promise<void>
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * A published file to `to`, taken up where an earlier try stopped and compared with its hash before it gets its name. A file that is there already is
 * compared and left.
 */
export async function download(
  file: HubFile,
  to: string,
  { headers = {}, onBytes = () => {}, fetch: get = fetch, attempts = 5, wait = later }: DownloadOptions = {},
): Promise<void> {
  if ((await sizeOf(to)) === file.bytes && (await hashOf(to, file)) === file.hash.hex) return onBytes(file.bytes)
  const part = `${to}.part`
  await mkdir(dirname(to), { recursive: true })
  let most = (await sizeOf(part)) ?? 0
  for (let attempt = 1; ; attempt++) {
    try {
      await rest(file, part, { headers, onBytes, get })
      break
    } catch (error) {
      const size = (await sizeOf(part)) ?? 0
      if (size > most) {
        most = size
        attempt = 0
      }
      if (error instanceof Refused || attempt >= attempts) throw error
      await wait(500 * 2 ** attempt)
    }
  }
  const found = await hashOf(part, file)
  if (found !== file.hash.hex) {
    await rm(part)
    throw new Error(`${file.path}: hash ${file.hash.hex.slice(0, 12)}… expected, ${found.slice(0, 12)}… came. What came was thrown away; try again.`)
  }
  await rename(part, to)
}

class Refused extends Error {}

/** What is missing of a file, appended to what is there. What cannot be gone on from is thrown away, so that the next try begins anew. */
async function rest(
  file: HubFile,
  part: string,
  { headers, onBytes, get }: { headers: Record<string, string>; onBytes: (received: number) => void; get: typeof fetch },
): Promise<void> {
  const there = (await sizeOf(part)) ?? 0
  let received = there > file.bytes ? 0 : there
  if (received === file.bytes && received > 0) return onBytes(received)
  const response = await get(file.url, { headers: { ...headers, ...(received > 0 && { range: `bytes=${received}-` }) } })
  if (response.status === 416) await rm(part, { force: true })
  if (!response.ok) {
    const message = `${file.url} answered ${response.status}.`
    throw response.status >= 500 || response.status === 416 || response.status === 429 ? new Error(message) : new Refused(message)
  }
  if (response.status !== 206) {
    // A server that does not know ranges sends the whole file again.
    received = 0
  } else if (firstByte(response) !== received) {
    await response.body?.cancel()
    await rm(part, { force: true })
    const told = response.headers.get('content-range') ?? 'no content-range'
    throw new Error(`${file.url} was asked for what follows byte ${received} and sent another part (${told}).`)
  }
  const handle = await open(part, received > 0 ? 'r+' : 'w')
  try {
    for await (const chunk of response.body ?? []) {
      await handle.write(chunk, 0, chunk.length, received)
      received += chunk.length
      onBytes(received)
    }
  } finally {
    await handle.close()
  }
  if (received !== file.bytes) throw new Error(`${file.path} ended after ${received} of ${file.bytes} bytes.`)
}

/** Where the part that a 206 brings begins; undefined where it does not say. */
function firstByte(response: Response): number | undefined {
  const from = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1]
  return from === undefined ? undefined : Number(from)
}

async function hashOf(path: string, { hash, bytes }: HubFile): Promise<string> {
  const made: Hash = createHash(hash.kind === 'git' ? 'sha1' : 'sha256')
  if (hash.kind === 'git') made.update(`blob ${bytes}\0`)
  for await (const chunk of createReadStream(path)) made.update(chunk)
  return made.digest('hex')
}

/** undefined where there is no such file. */
async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size
}
