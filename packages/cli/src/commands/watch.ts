import type { Command } from 'commander'
import { openSession } from '@fovea/sdk'
import type { Result } from '@fovea/sdk'
import { jpegPipe, paced, video } from '@fovea/sdk/node'
import { coordinates, seconds } from '../describe-evidence.ts'
import { openSystem } from '../system.ts'
import type { SystemOptions } from '../system.ts'
import { withSystemOptions } from '../system-flags.ts'
import { rleArea } from '@fovea/protocol'

type WatchOptions = SystemOptions & { task: 'region' | 'mask'; json?: boolean; fps?: number; speed: number }

/** `fovea watch VIDEO QUERY`. */
export function watchCommand(program: Command): void {
  withSystemOptions(program.command('watch'))
    .description('watch for something, live: one line a verdict')
    .argument('<video>', 'as for ask, played at its own speed; - for a live pipe of concatenated JPEG')
    .argument('<query>', 'what to look for, such as "the red car"')
    .option('--task <task>', 'region or mask', 'region')
    .option('--json', 'verdicts as JSON, one a line')
    .option('--fps <n>', 'pictures a second of a folder', Number)
    .option('--speed <n>', 'times the speed of the recording', Number, 1)
    .action(watch)
}

export async function watch(path: string, query: string, options: WatchOptions): Promise<void> {
  const live =
    path === '-'
      ? jpegPipe(process.stdin, { policy: 'latest' })
      : paced(await video(path, { ...(options.fps && { fps: options.fps }) }), { speed: options.speed })
  await using system = await openSystem(options, { ownsSignals: true })
  await using session = await openSession({ url: system.url, key: system.key, name: 'fovea watch' })
  const results = session.results()
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  const sending = session.send(live, { signal: stop.signal })
  const standing = session.watch(query, { task: options.task })
  standing.started.catch((error: Error) => process.stderr.write(`${error.message}\n`))
  const printing = (async () => {
    for await (const result of results) process.stdout.write(`${options.json ? JSON.stringify(result) : describeResult(result, standing.watch)}\n`)
  })()
  try {
    const { seen, dropped, replaced } = await sending.done
    await results.return()
    await printing
    process.stderr.write(`${seen} seen, ${dropped} dropped by the system, ${replaced} replaced here by a newer picture\n`)
  } finally {
    process.off('SIGINT', interrupt)
  }
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
