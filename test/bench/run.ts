import { readdirSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import type { Bench, Report } from './bench.ts'

/** Files of this folder that are no bench: what benches share. */
const SHARED = new Set(['bench', 'run', 'percentile', 'process-cpu', 'child', 'orders', 'null-backend'])
const MINUTES = 4

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.includes('.test.') && !SHARED.has(file.slice(0, -3)))
  .map((file) => file.slice(0, -3))
const given = process.argv.slice(2)
// What follows `--peers` is its folder, no bench.
const wanted = given.filter((argument, at) => !argument.startsWith('--') && given[at - 1] !== '--peers')
const json = process.argv.includes('--json')

const name = wanted[0]
if (wanted.length !== 1 || !name || !names.includes(name)) {
  console.error(`Which bench? npm run bench -- NAME [--json], with NAME one of: ${names.join(', ')}.`)
  process.exit(2)
}

const bench = (await import(`./${name}.ts`)) as { default: Bench }
const controller = new AbortController()
process.once('SIGINT', () => controller.abort(new Error('Stopped by Ctrl-C.')))
const minutes = bench.default.minutes ?? MINUTES
const timer = setTimeout(() => controller.abort(new Error(`${name} took more than ${minutes} minutes.`)), minutes * 60_000)
console.error(`${bench.default.name}: ${bench.default.about}`)
console.error(`machine: ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}`)
const report = await bench.default.run({ say: (line) => console.error(`  ${line}`), signal: controller.signal })
clearTimeout(timer)
print(report)
// A goal that is missed is a finding, not a failure of the bench: the status says whether all goals hold.
process.exit(report.goals.every((goal) => goal.ok) ? 0 : 1)

function print({ goals, samples }: Report): void {
  if (json) {
    console.log(JSON.stringify({ bench: name, goals, samples }))
    return
  }
  for (const goal of goals) console.log(`${goal.ok ? 'ok    ' : 'missed'}  ${goal.name}: ${goal.value} (goal ${goal.goal})`)
  console.log(JSON.stringify(samples, null, 2))
}
