import type { Evidence, VisionSession, WorkflowStep } from '@fovea/protocol'
import type { Json, Known } from './references.ts'

/** What a step works with: the eyes, what is known so far, and an id under which nothing happens twice. */
export type StepContext = {
  session: VisionSession
  known: Known
  /** of this step in this run: asks and tracks carry it */
  id: string
  signal: AbortSignal | undefined
  /** the evidence that an earlier step gave */
  evidence(step: string): Promise<Evidence>
  /** what this step noted before an interruption */
  noted: Json | undefined
  /** notes something that an interruption must not lose */
  note(value: Json): void
  /** tells the outside, and notes `true` in the same breath */
  tell(name: string, data: Record<string, string>): void
  now(): number
}

export type Output = Record<string, Json>
/** Done, with what was found and where to go; or not before a time. */
export type StepOutcome = { output: Output; next?: string | undefined } | { until: number }
export type StepOf<Kind extends WorkflowStep['kind']> = Extract<WorkflowStep, { kind: Kind }>

type Definition<Kind extends WorkflowStep['kind']> = {
  kind: Kind
  /** names of the values that its output may hold */
  gives: readonly string[]
  /** texts of the step that may hold `{{references}}` */
  texts?(step: StepOf<Kind>): string[]
  /** references of the step outside texts */
  references?(step: StepOf<Kind>): string[]
  /** where it may go; the step's own `next` when absent */
  branches?(step: StepOf<Kind>): string[]
  /** what is wrong with it beyond its schema */
  problem?(step: StepOf<Kind>): string | undefined
  run(step: StepOf<Kind>, context: StepContext): Promise<StepOutcome>
}

/** A kind of step as the rest sees it: it is asked, and nobody asks which kind it is. */
export type StepKind = {
  readonly kind: WorkflowStep['kind']
  readonly gives: readonly string[]
  texts(step: WorkflowStep): string[]
  references(step: WorkflowStep): string[]
  branches(step: WorkflowStep): string[]
  problem(step: WorkflowStep): string | undefined
  run(step: WorkflowStep, context: StepContext): Promise<StepOutcome>
}

/** The one shape of all step kinds. */
export function stepKind<Kind extends WorkflowStep['kind']>(definition: Definition<Kind>): StepKind {
  const isOwn = (step: WorkflowStep): step is StepOf<Kind> => step.kind === definition.kind
  const own = (step: WorkflowStep): StepOf<Kind> => {
    if (!isOwn(step)) throw new TypeError(`Step kind ${definition.kind} was handed a ${step.kind}.`)
    return step
  }
  return {
    kind: definition.kind,
    gives: definition.gives,
    texts: (step) => definition.texts?.(own(step)) ?? [],
    references: (step) => definition.references?.(own(step)) ?? [],
    branches: (step) => definition.branches?.(own(step)) ?? ('next' in step && step.next !== undefined ? [step.next] : []),
    problem: (step) => definition.problem?.(own(step)),
    run: (step, context) => definition.run(own(step), context),
  }
}
