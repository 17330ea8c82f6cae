import { spawn } from 'node:child_process'
import { build } from 'esbuild'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { gzipSync } from 'node:zlib'
import { atMost, round, type Bench } from './bench.ts'
import { median } from './percentile.ts'
import { descendants, processCpuMs } from './process-cpu.ts'

const ROOT = join(import.meta.dirname, '../..')
const STARTS = 3

const start: Bench = {
  name: 'start',
  about: 'from the command to the ready line, and the size of what travels',
  async run({ say, signal }) {
    const readyMs: number[] = []
    const stopMs: number[] = []
    const cpuMs: number[] = []
    for (let index = 0; index < STARTS; index++) {
      signal.throwIfAborted()
      const took = await startOnce(signal)
      readyMs.push(took.readyMs)
      stopMs.push(took.stopMs)
      cpuMs.push(took.cpuMs)
      say(
        `start ${index + 1} of ${STARTS}: ready after ${round(took.readyMs / 1000)} s with ${round(took.cpuMs / 1000)} s of CPU, gone after ${round(took.stopMs / 1000)} s`,
      )
    }
    const sdkBytes = await gzipped('packages/sdk/src/browser/index.ts', { conditions: ['browser'], format: 'esm' })
    say(`SDK, browser entry: ${round(sdkBytes / 1024)} KB gzip`)
    const workerBytes = await gzipped('workers/edge/src/index.ts', {
      format: 'esm',
      conditions: ['workerd', 'worker', 'browser'],
      mainFields: ['module', 'main'],
      external: ['cloudflare:*', 'node:*'],
      alias: Object.fromEntries(NODE_BUILTINS.map((name) => [name, `node:${name}`])),
      loader: { '.sql': 'text' },
    })
    say(`Worker: ${round(workerBytes / 1024)} KB gzip`)
    return {
      goals: [
        atMost('ready, s, median', median(readyMs) / 1000, 10),
        atMost('SDK browser entry, KB gzip', sdkBytes / 1024, 20),
        atMost('Worker, MB gzip', workerBytes / 1024 / 1024, 1.5),
      ],
      samples: { readyMs: readyMs.map(round), stopMs: stopMs.map(round), cpuMs, sdkBytes, workerBytes },
    }
  },
}
export default start

const NODE_BUILTINS = ['assert', 'async_hooks', 'buffer', 'crypto', 'events', 'fs', 'fs/promises', 'path', 'process', 'stream', 'string_decoder', 'url', 'util']

/** One `npm start` without npm, into an empty data folder, until its ready line; then Ctrl-C. */
async function startOnce(signal: AbortSignal): Promise<{ readyMs: number; stopMs: number; cpuMs: number }> {
  const data = await mkdtemp(join(tmpdir(), 'fovea-start-'))
  try {
    const startedAt = performance.now()
    const child = spawn(process.execPath, ['packages/cli/src/bin.ts', 'up', '--port', '0', '--data', data], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
      signal,
    })
    const gone = new Promise((resolve) => child.once('exit', resolve))
    let readyMs: number | undefined
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.includes('ready in')) continue
      readyMs = performance.now() - startedAt
      break
    }
    if (readyMs === undefined) throw new Error('The system ended before it was ready; run `npm start -- --verbose` to see why.')
    // What all its processes used: the stable number where the machine has other work.
    const { pid = 0 } = child
    const cpuMs = [pid, ...descendants(pid).map((one) => one.pid)].reduce((sum, one) => sum + processCpuMs(one), 0)
    const stoppedAt = performance.now()
    child.kill('SIGINT')
    await gone
    return { readyMs, stopMs: performance.now() - stoppedAt, cpuMs }
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}

/** What a bundler makes of an entry, minified and gzipped as a server would send it. */
async function gzipped(entry: string, options: Parameters<typeof build>[0]): Promise<number> {
  const result = await build({ ...options, entryPoints: [join(ROOT, entry)], bundle: true, minify: true, write: false, target: 'es2023', logLevel: 'silent' })
  const [file] = result.outputFiles ?? []
  if (!file) throw new Error(`esbuild made nothing of ${entry}.`)
  return gzipSync(file.contents, { level: 9 }).byteLength
}
