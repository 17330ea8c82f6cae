import { ProtocolError, WorkflowGraph, type WorkflowStep } from '@fovea/protocol'
import { z } from 'zod'
import { parseReference, referencesIn, type Reference } from './references.ts'
import { kindOf } from './step-kinds.ts'

/**
 * A graph that can run: every id exists once, every step can be reached, no way leads back, and every reference points to the
 * input or to a step that has always run before. Anything else is refused with all problems named at once.
 */
export function validateGraph(given: unknown): WorkflowGraph {
  const parsed = WorkflowGraph.safeParse(given)
  if (!parsed.success) throw refusal('This is not a workflow graph', z.prettifyError(parsed.error).split('\n'))
  const graph = parsed.data
  const steps = new Map(graph.steps.map((step) => [step.id, step]))
  const problems = shapeProblems(graph, steps)
  // Ways are only worth following where every id is there.
  if (problems.length === 0) problems.push(...wayProblems(graph, steps))
  if (problems.length > 0) throw refusal(`Workflow ${graph.name} cannot run`, problems)
  return graph
}

/** The names of the inputs that a graph reads. */
export function inputsOf(graph: WorkflowGraph): string[] {
  const names = graph.steps.flatMap((step) =>
    referencesOf(step)
      .filter(({ source }) => source === 'input')
      .map(({ path }) => path[0] ?? ''),
  )
  return [...new Set(names)]
}

function shapeProblems(graph: WorkflowGraph, steps: ReadonlyMap<string, WorkflowStep>): string[] {
  const ids = graph.steps.map((step) => step.id)
  const problems = [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))].map((id) => `two steps are called ${id}`)
  if (ids.includes('input')) problems.push('a step cannot be called input: that is what the run is given')
  if (!steps.has(graph.start)) problems.push(`start is ${graph.start}; there is no such step`)
  for (const step of graph.steps) {
    for (const next of kindOf(step).branches(step)) if (!steps.has(next)) problems.push(`${step.id} goes to ${next}; there is no such step`)
    const problem = kindOf(step).problem(step)
    if (problem) problems.push(`${step.id}: ${problem}`)
    try {
      for (const reference of referencesOf(step)) problems.push(...referenceProblems(step, reference, steps))
    } catch (error) {
      problems.push(`${step.id}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return problems
}

function referenceProblems(step: WorkflowStep, { source, path }: Reference, steps: ReadonlyMap<string, WorkflowStep>): string[] {
  if (source === 'input') return []
  const target = steps.get(source)
  if (!target) return [`${step.id} reads ${[source, ...path].join('.')}; there is no step ${source}`]
  const { gives } = kindOf(target)
  return gives.includes(path[0] ?? '') ? [] : [`${step.id} reads ${[source, ...path].join('.')}; ${source} gives ${gives.join(', ')}`]
}

function wayProblems(graph: WorkflowGraph, steps: ReadonlyMap<string, WorkflowStep>): string[] {
  const order: string[] = []
  const state = new Map<string, 'open' | 'done'>()
  const problems: string[] = []
  const visit = (id: string): void => {
    state.set(id, 'open')
    for (const next of nextOf(steps.get(id))) {
      if (state.get(next) === 'open') problems.push(`${id} leads back to ${next}; a workflow goes forward`)
      else if (!state.has(next)) visit(next)
    }
    state.set(id, 'done')
    order.unshift(id)
  }
  visit(graph.start)
  for (const { id } of graph.steps) if (!state.has(id)) problems.push(`no way leads to ${id}`)
  if (problems.length > 0) return problems
  const before = alwaysBefore(order, steps)
  for (const step of graph.steps) {
    for (const { source } of referencesOf(step)) {
      if (source !== 'input' && !before.get(step.id)?.has(source)) problems.push(`${step.id} reads what ${source} found; ${source} has not always run by then`)
    }
  }
  return problems
}

/** For each step, those that lie on every way to it. `order` is topological. */
function alwaysBefore(order: readonly string[], steps: ReadonlyMap<string, WorkflowStep>): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>()
  for (const id of order) {
    const own = before.get(id) ?? new Set<string>()
    before.set(id, own)
    for (const next of nextOf(steps.get(id))) {
      const through = new Set([...own, id])
      const known = before.get(next)
      before.set(next, known ? new Set([...known].filter((one) => through.has(one))) : through)
    }
  }
  return before
}

function nextOf(step: WorkflowStep | undefined): string[] {
  return step ? kindOf(step).branches(step) : []
}

function referencesOf(step: WorkflowStep): Reference[] {
  const kind = kindOf(step)
  return [...kind.texts(step).flatMap(referencesIn), ...kind.references(step).map(parseReference)]
}

function refusal(title: string, problems: string[]): ProtocolError {
  return new ProtocolError('invalid-message', `${title}: ${problems.join('; ')}.`)
}
