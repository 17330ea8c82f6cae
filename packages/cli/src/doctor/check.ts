import { ProtocolError } from '@fovea/protocol'

/** One hop of the self-test; `tried` false: a step that it leans on had failed. */
export type Check = { name: string; ok: boolean; tried: boolean; ms: number; detail: string }

/** What a check says when it went well; thrown errors say what is wrong and what to do. `needs`: the step that it leans on. */
export type Step = { name: string; run: () => Promise<string>; needs?: string; withinMs?: number }

const WITHIN_MS = 30_000

/** Runs the steps in order and tells of each. One cause is one failure: what leans on a step that failed is not tried. */
export async function runChecks(steps: readonly Step[], tell: (check: Check) => void): Promise<Check[]> {
  const checks: Check[] = []
  for (const step of steps) {
    const cause = checks.find(({ name, ok }) => name === step.needs && !ok)
    const check = cause ? { name: step.name, ok: false, tried: false, ms: 0, detail: `not tried, it needs: ${cause.name}` } : await runCheck(step)
    checks.push(check)
    tell(check)
  }
  return checks
}

/** Runs one step, timed and bounded; whatever it throws becomes its detail. */
async function runCheck({ name, run, withinMs = WITHIN_MS }: Step): Promise<Check> {
  const startedAt = performance.now()
  const took = () => Math.round(performance.now() - startedAt)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${withinMs / 1000} s; look at the parts with --verbose`)), withinMs)
  })
  try {
    return { name, ok: true, tried: true, detail: await Promise.race([run(), late]), ms: took() }
  } catch (error) {
    const code = error instanceof ProtocolError ? ` (${error.code})` : ''
    return { name, ok: false, tried: true, detail: `${error instanceof Error ? error.message : String(error)}${code}`, ms: took() }
  } finally {
    clearTimeout(timer)
  }
}
