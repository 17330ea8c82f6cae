import type { Command } from 'commander'
import { openSession } from '@fovea/sdk'
import type { Result } from '@fovea/sdk'
import { jpegPipe, paced, video } from '@fovea/sdk/node'
import { coordinates, seconds } from '../describe-evidence.ts'
import { Interruption } from '../interruption.ts'
import { numberFlag } from '../number-flag.ts'
import { openSystem } from '../system.ts'
import type { SystemOptions } from '../system.ts'
import { withSystemOptions } from '../system-flags.ts'
import { watchTask } from '../task-flag.ts'
import { words } from '../words-argument.ts'
import { rleArea } from '@fovea/protocol'

type WatchOptions = SystemOptions & { task: 'region' | 'mask'; json?: boolean; fps?: number; speed: number }

/** `fovea watch VIDEO QUERY`. */
export function watchCommand(program: Command): void {
  withSystemOptions(program.command('watch'))
    .description('watch for something, live: one line a verdict')
    .argument('<video>', 'as for ask, played at its own speed; - for a live pipe of concatenated JPEG')
    .argument('<query>', 'what to look for, such as "the red car"', words)
    .option('--task <task>', 'region or mask', watchTask, 'region')
    .option('--json', 'verdicts as JSON, one a line')
    .option('--fps <n>', 'pictures a second of a folder', numberFlag({ above: 0 }))
    .option('--speed <n>', 'times the speed of the recording', numberFlag({ above: 0 }), 1)
    .action(watch)
}

export async function watch(path: string, query: string, options: WatchOptions): Promise<void> {
  const live =
    path === '-'
      ? jpegPipe(process.stdin, { policy: 'latest' })
      : paced(await video(path, { ...(options.fps && { fps: options.fps }) }), { speed: options.speed })
  using interruption = new Interruption()
  await using system = await openSystem(options, { ownsSignals: true }).catch((error: unknown): undefined => {
    // A signal to the whole group may have reached its parts first: that they are gone is no news then.
    if (!interruption.signal.aborted) throw error
  })
  if (!system) return
  await using session = await openSession({ url: system.url, key: system.key, name: 'fovea watch' })
  const results = session.results()
  const refused = new AbortController()
  const sending = session.send(live, { signal: AbortSignal.any([interruption.signal, refused.signal]) })
  const standing = session.watch(query, { task: options.task })
  // Without its phrase there is nothing to print: what is still to come is not played.
  standing.started.catch((error: unknown) => refused.abort(error))
  const printing = (async () => {
    for await (const result of results) {
      if (refused.signal.aborted) return
      process.stdout.write(`${options.json ? JSON.stringify(result) : describeResult(result, standing.watch)}\n`)
    }
  })()
  const { seen, dropped, replaced } = await sending.done
  await results.return()
  await printing
  if (refused.signal.aborted) throw refused.signal.reason
  process.stderr.write(`${seen} seen, ${dropped} dropped by the system, ${replaced} replaced here by a newer picture\n`)
}

function describeResult(result: Result, watching: string): string {
  const where = `${seconds(result.mediaTime).padStart(8)}  frame ${String(result.frame).padEnd(5)}`
  if (result.type === 'frame-dropped') return `${where} dropped: ${result.reason}`
  if (result.type === 'frame-settled') return `${where} seen`
  const age = `age ${result.captureAgeMs.toFixed(0)} ms`
  const perception = result.perceptions.find((one) => one.watch === watching)
  if (!perception) return `${where} seen, not compiled yet  ${age}`
  const { score, regions = [], mask, box } = perception
  const found =
    mask && rleArea(mask) > 0
      ? `mask of ${rleArea(mask)} pixels${box ? ` in box ${coordinates(box)}` : ''}`
      : regions.map((region) => `box ${coordinates(region.box)}`).join(', ')
  return `${where} ${score.toFixed(2)}  ${found || 'not in view'}  ${age}`
}
