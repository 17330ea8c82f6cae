import { ProtocolError } from '@fovea/protocol'

/** One hop of the self-test. */
export type Check = { name: string; ok: boolean; ms: number; detail: string }

/** What a check says when it went well; thrown errors say what is wrong and what to do. */
export type Step = { name: string; run: () => Promise<string>; withinMs?: number }

const WITHIN_MS = 30_000

/** Runs one step, timed and bounded; whatever it throws becomes its detail. */
export async function runCheck({ name, run, withinMs = WITHIN_MS }: Step): Promise<Check> {
  const startedAt = performance.now()
  const took = () => Math.round(performance.now() - startedAt)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${withinMs / 1000} s; look at the parts with --verbose`)), withinMs)
  })
  try {
    return { name, ok: true, detail: await Promise.race([run(), late]), ms: took() }
  } catch (error) {
    const code = error instanceof ProtocolError ? ` (${error.code})` : ''
    return { name, ok: false, detail: `${error instanceof Error ? error.message : String(error)}${code}`, ms: took() }
  } finally {
    clearTimeout(timer)
  }
}
