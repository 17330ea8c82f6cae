import type { Command } from 'commander'
import { EMBEDDED_BUNDLE } from '../bundle.ts'
import { backendStep } from '../doctor/backends.ts'
import { runChecks } from '../doctor/check.ts'
import type { Check, Step } from '../doctor/check.ts'
import { machineSteps } from '../doctor/machine.ts'
import { sessionSteps } from '../doctor/session.ts'
import type { House } from '../house.ts'
import { openSystem } from '../system.ts'
import type { System, SystemOptions } from '../system.ts'
import { withSystemOptions } from '../system-flags.ts'

// A busy machine may take long to start; the whole self-test stays within 90 s on an idle one by far.
const START_WITHIN_MS = 60_000

type DoctorOptions = SystemOptions & { json?: boolean }

/** `fovea doctor`. */
export function doctorCommand(program: Command): void {
  withSystemOptions(program.command('doctor'))
    .description('a timed self-test through every hop; says what is wrong and what to do')
    .option('--json', 'the checks as JSON, in the last line')
    .action(doctor)
}

async function doctor(options: DoctorOptions): Promise<void> {
  let system: System | undefined
  let opening: Promise<System> | undefined
  const opened = (): System => {
    if (system) return system
    throw new Error('the system did not start: see the step before')
  }
  const inner = (): House => {
    const { house } = opened()
    if (house) return house
    throw new Error('this system runs elsewhere')
  }
  const start: Step = {
    name: 'start',
    withinMs: START_WITHIN_MS,
    run: async () => {
      opening = openSystem(options)
      system = await opening
      return system.house ? 'edge in workerd, inference beside it' : `using ${system.url}`
    },
  }
  const elsewhere = options.url ?? process.env.FOVEA_URL
  const here = elsewhere ? [] : [...machineSteps(options.bundle ?? EMBEDDED_BUNDLE, '.fovea'), start, backendStep(inner)]
  const steps = [...here, ...(elsewhere ? [start] : []), ...sessionSteps(opened)]
  let checks: Check[]
  try {
    checks = await runChecks(steps, ({ name, ok, tried, ms, detail }) => {
      const line = `${ok ? 'ok  ' : tried ? 'FAIL' : '-   '} ${name.padEnd(24)} ${String(ms).padStart(6)} ms  ${detail}\n`
      if (!options.json) process.stdout.write(line)
      else process.stderr.write(line)
    })
  } finally {
    // Also one that started too late to be of use.
    const started = await opening?.catch(() => undefined)
    await started?.[Symbol.asyncDispose]()
  }
  const ok = checks.every((check) => check.ok)
  if (options.json) process.stdout.write(`${JSON.stringify({ ok, checks })}\n`)
  else process.stdout.write(ok ? 'Everything works.\n' : summary(checks))
  if (!ok) process.exitCode = 1
}

function summary(checks: readonly Check[]): string {
  const failed = checks.filter(({ ok, tried }) => !ok && tried).length
  const untried = checks.filter(({ tried }) => !tried).length
  const first = failed === 1 ? '' : '; the first one is where to look'
  return `${failed} of ${checks.length} checks failed${untried > 0 ? `, ${untried} more need what failed and were not tried` : ''}${first}.\n`
}
