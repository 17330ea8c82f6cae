import type { VisionSession, WorkflowGraph } from '@fovea/protocol'
import type { Json } from './references.ts'
import { advance, beginRun, type RunJournal, type RunState } from './run.ts'
import { validateGraph } from './validate.ts'

export type RunOptions = {
  session: VisionSession
  run?: string
  input?: Record<string, Json>
  /** goes on from here instead of from the start */
  state?: RunState
  journal?: Partial<RunJournal>
  signal?: AbortSignal
  now?: () => number
}

/**
 * Runs a graph in this process to its end and gives what every step found.
 *
 *     const { check } = await runWorkflow(graph, { session, input: { thing: 'cup' } })
 */
export async function runWorkflow(
  graph: WorkflowGraph,
  { session, run = crypto.randomUUID(), input, state, journal = {}, signal, now = Date.now }: RunOptions,
): Promise<RunState['outputs']> {
  const valid = validateGraph(graph)
  const whole: RunJournal = { ended: (...of) => journal.ended?.(...of), noted: (...of) => journal.noted?.(...of), told: (...of) => journal.told?.(...of) }
  let at = state ?? beginRun(valid, input)
  for (;;) {
    const { state: reached, until } = await advance(valid, at, { run, session, journal: whole, now, signal })
    if (until === undefined) return reached.outputs
    at = reached
    await pause(until - now(), signal)
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((done, failed) => {
    const timer = setTimeout(finish, Math.max(0, ms))
    signal?.addEventListener('abort', stop, { once: true })
    function finish() {
      signal?.removeEventListener('abort', stop)
      done()
    }
    function stop() {
      clearTimeout(timer)
      failed(signal?.reason)
    }
  })
}
