import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProtocolError } from '@fovea/protocol'
import type { House } from './house.ts'
import { keysIn } from './keys.ts'
import { Progress } from './progress.ts'

/** Options that every command which needs a running system has. */
export type SystemOptions = { url?: string; key?: string; bundle?: string; providers?: string; verbose?: boolean }

/** A system to talk to: one that runs elsewhere, or one that lives as long as this command. */
export interface System extends AsyncDisposable {
  readonly url: string
  readonly key: string
  /** the inner house, where this command started one */
  readonly house: House | undefined
}

const DATA_DIR = '.fovea'

/** Uses the system at `--url` (or FOVEA_URL), else starts one inside and waits until its model serves. */
export async function openSystem(
  { url = process.env.FOVEA_URL, key = process.env.FOVEA_KEY, bundle, providers, verbose = false }: SystemOptions,
  { ownsSignals = false }: { ownsSignals?: boolean } = {},
): Promise<System> {
  if (url) refuseOtherSchemes(url)
  if (url) return { url, key: key ?? (await localKey(url)), house: undefined, [Symbol.asyncDispose]: async () => {} }
  using progress = new Progress('Starting Fovea inside this command')
  const log = verbose ? (part: string, line: string) => process.stderr.write(`[${part}] ${line}\n`) : undefined
  // Loaded only where it is needed: Miniflare and esbuild take a second to load.
  const { openHouse } = await import('./house.ts')
  const house = await openHouse({ studio: false, ownsSignals, ...(bundle && { bundle }), ...(providers && { providers }), ...(log && { log }) })
  try {
    progress.update('loading the model')
    await house.ready
  } catch (error) {
    await house.close()
    throw error
  }
  return { url: house.url, key: house.key, house, [Symbol.asyncDispose]: () => house.close() }
}

/** `127.0.0.1:8787` is no address, and `localhost:8787` one of another kind. */
function refuseOtherSchemes(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined
  if (protocol === 'http:' || protocol === 'https:') return
  const meant = /^[\w.-]*([.:]\d+|localhost)$/.test(url) ? `http://${url}` : 'http://127.0.0.1:8787'
  throw new ProtocolError('invalid-message', `The address of a system begins with http:// or https://, such as ${meant}; "${url}" came.`)
}

/** The key that `npm start` made in this folder, for a system on this machine. */
async function localKey(url: string): Promise<string> {
  const file = join(DATA_DIR, 'keys.json')
  const isHere = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname)
  const found =
    isHere &&
    (await readFile(file).then(
      () => true,
      () => false,
    ))
  if (!found)
    throw new Error(
      `${url} wants an API key: give it with --key or FOVEA_KEY.${isHere ? ` \`npm start\` prints it, and keeps it in ${file} of the folder it runs in.` : ''}`,
    )
  return (await keysIn(file)).api
}
