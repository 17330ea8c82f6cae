import { ProtocolError, scopedId, type Evidence, type VisionSession, type WorkflowGraph, type WorkflowStep } from '@fovea/protocol'
import type { Json, Known } from './references.ts'
import type { Output, StepContext } from './step.ts'
import { kindOf } from './step-kinds.ts'
import { inputsOf } from './validate.ts'

/** How far a run is: plain JSON, all that is needed to go on elsewhere. */
export type RunState = Known & {
  /** the step that comes next; absent when the run is over */
  next?: string
  /** what that step noted so far */
  noted?: Json
}

export type StepEnded = { step: string; kind: WorkflowStep['kind']; ms: number; output: Output; next?: string }

/** Told what happens, with the state that goes with it: whoever writes both in one go can resume the run anywhere. */
export interface RunJournal {
  ended(step: StepEnded, state: RunState): void
  noted(state: RunState): void
  told(event: { step: string; name: string; data: Record<string, string> }, state: RunState): void
}

export type AdvanceOptions = {
  /** id of the run: asks and tracks of its steps are named after it, so that nothing happens twice */
  run: string
  session: VisionSession
  journal: RunJournal
  now: () => number
  signal?: AbortSignal
}

/** The state in which a run begins. Refuses a run that lacks an input of its graph. */
export function beginRun(graph: WorkflowGraph, input: Record<string, Json> = {}): RunState {
  const missing = inputsOf(graph).filter((name) => !(name in input))
  if (missing.length > 0)
    throw new ProtocolError('invalid-message', `Workflow ${graph.name} needs the input ${missing.join(', ')}; ${Object.keys(input).join(', ') || 'none'} came.`)
  return { input, outputs: {}, next: graph.start }
}

/**
 * Takes a validated run as far as it goes now: to its end, or to a time before which it cannot go on. Finished steps are not repeated,
 * an unfinished one is done again under the same ids. A step that fails throws.
 */
export async function advance(graph: WorkflowGraph, from: RunState, options: AdvanceOptions): Promise<{ state: RunState; until?: number }> {
  let state = from
  for (;;) {
    const step = graph.steps.find(({ id }) => id === state.next)
    if (!step) return { state }
    options.signal?.throwIfAborted()
    const started = options.now()
    const memory = { state }
    const outcome = await kindOf(step).run(step, contextOf(step, memory, options))
    if ('until' in outcome) return { state: memory.state, until: outcome.until }
    const next = 'next' in outcome ? outcome.next : 'next' in step ? step.next : undefined
    state = { input: state.input, outputs: { ...state.outputs, [step.id]: outcome.output }, ...(next !== undefined && { next }) }
    options.journal.ended({ step: step.id, kind: step.kind, ms: options.now() - started, output: outcome.output, ...(next !== undefined && { next }) }, state)
  }
}

function contextOf(step: WorkflowStep, memory: { state: RunState }, { run, session, journal, now, signal }: AdvanceOptions): StepContext {
  const note = (value: Json): RunState => (memory.state = { ...memory.state, noted: value })
  return {
    session,
    known: memory.state,
    id: scopedId(run, step.id),
    signal,
    noted: memory.state.noted,
    note: (value) => journal.noted(note(value)),
    tell: (name, data) => journal.told({ step: step.id, name, data }, note(true)),
    now,
    evidence: (source) => evidenceOf(source, memory.state, session),
  }
}

async function evidenceOf(source: string, { outputs }: RunState, session: VisionSession): Promise<Evidence> {
  const id = outputs[source]?.evidence
  const evidence = typeof id === 'string' ? await session.recall(id) : undefined
  if (!evidence) throw new ProtocolError('not-found', `The evidence of step ${source} (${String(id)}) is no longer kept.`)
  return evidence
}
