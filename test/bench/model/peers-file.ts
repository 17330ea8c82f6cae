import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const FILE = fileURLToPath(new URL('../peers.json', import.meta.url))
const Section = z.object({ cpu: z.string(), date: z.string(), rows: z.record(z.string(), z.record(z.string(), z.number())) })
export type Section = z.infer<typeof Section>
const Peers = z.record(z.string(), Section)

/** What was measured of the peers when they were last at hand, with the machine and the day. */
export async function knownPeers(name: string): Promise<Section> {
  const found = Peers.parse(JSON.parse(await readFile(FILE, 'utf8')))[name]
  if (!found) throw new Error(`test/bench/peers.json has nothing of ${name}; run with --peers VENV once.`)
  return found
}

/** The rows of a run with peers, ours of the same run among them: figures of another machine can be compared with their own kind. */
export async function rememberPeers(name: string, rows: Section['rows']): Promise<void> {
  const all = Peers.parse(JSON.parse(await readFile(FILE, 'utf8').catch(() => '{}')))
  all[name] = { cpu: cpus()[0]?.model.trim() ?? 'unknown', date: new Date().toISOString().slice(0, 10), rows }
  await writeFile(FILE, `${JSON.stringify(all, null, 2)}\n`)
}
