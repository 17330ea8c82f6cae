import type { Command } from 'commander'
import type { HouseOptions } from '../house.ts'
import { Interruption } from '../interruption.ts'
import { numberFlag } from '../number-flag.ts'
import { Progress } from '../progress.ts'

type UpOptions = { port: number; data: string; bundle?: string; providers?: string; studio: boolean; backends: number; verbose?: boolean }

const DEFAULT_PORT = 8787

/** `fovea up`, which is `npm start`. */
export function upCommand(program: Command): void {
  program
    .command('up')
    .description('start the whole system on this machine: edge, inference, storage, studio')
    .option('--port <n>', 'port of the edge on 127.0.0.1; 0 = any free one', numberFlag({ atLeast: 0, atMost: 65_535, whole: true }), DEFAULT_PORT)
    .option('--data <dir>', 'where keys and sessions are kept; one house at a time uses it', '.fovea')
    .option('--bundle <dir>', 'model bundle; the embedded one where absent')
    .option('--providers <list>', 'execution providers in order, such as cuda,cpu')
    .option('--backends <n>', 'inference processes', numberFlag({ atLeast: 1, atMost: 64, whole: true }), 1)
    .option('--no-studio', 'without the studio page')
    .option('--verbose', 'what the parts say')
    .action(up)
}

export async function up({ port, data, bundle, providers, studio, backends, verbose }: UpOptions): Promise<void> {
  const startedAt = performance.now()
  const options: HouseOptions = {
    port,
    dataDir: data,
    studio,
    backends,
    ownsSignals: true,
    ...(bundle && { bundle }),
    ...(providers && { providers }),
    vars: chatVars(),
    log: (part, line) => (verbose || isTrouble(line)) && process.stderr.write(`[${part}] ${line}\n`),
  }
  using interruption = new Interruption()
  using progress = new Progress('Starting')
  const { openHouse } = await import('../house.ts')
  // A signal to the whole group may have reached the parts first: that they are gone is no news then.
  const unlessInterrupted = (error: unknown): undefined => {
    if (!interruption.signal.aborted) throw error
  }
  await using house = await openHouse(options).catch(unlessInterrupted)
  if (!house) return
  progress.update('loading the model')
  const ready = await Promise.race([house.ready, interruption.came]).catch(unlessInterrupted)
  progress.done()
  if (!ready || interruption.signal.aborted) return
  const took = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`Fovea is ready in ${took} s: ${house.url}\n`)
  if (house.hasStudio) process.stdout.write(`  studio  ${house.url}/\n`)
  process.stdout.write(`  key     ${house.key}\n  data    ${data}\n`)
  for (const { model, providers: used } of ready) process.stdout.write(`  model   ${model} on ${Array.isArray(used) ? used.join(', ') : String(used)}\n`)
  process.stdout.write('Ctrl-C stops it; sessions are kept.\n')
  await interruption.came
}

/** The chat model of agent turns is configured by environment, like every OpenAI-compatible client. */
function chatVars(): Record<string, string> {
  const names = ['CHAT_BASE_URL', 'CHAT_API_KEY', 'CHAT_MODEL', 'ALLOWED_ORIGINS', 'LIMITS']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** Lines worth seeing without --verbose. */
function isTrouble(line: string): boolean {
  return /"level":"?(warn|error|fatal|40|50|60)/.test(line) || /^\s*(✘|\[?error|uncaught)/i.test(line)
}
