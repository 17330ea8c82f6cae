import type { WorkflowGraph, WorkflowStep } from '@fovea/protocol'
import type { StepOf } from './step.ts'
import { validateGraph } from './validate.ts'

type Kind = WorkflowStep['kind']
type Fields<K extends Kind> = Omit<StepOf<K>, 'kind' | 'id'>

/**
 * A graph in TypeScript. Steps follow one another in the order they are added; `next` names another one, `end()` makes the last step the end of its way.
 *
 *     const graph = workflow('cup-check')
 *       .locate('find', { query: '{{input.thing}}' })
 *       .branch('any', { on: 'find.count', when: [{ op: '>=', value: 1, next: 'watch' }], otherwise: 'none' })
 *       .follow('watch', { from: 'find', forMs: 5000 }).end()
 *       .event('none', { name: 'nothing-there' })
 *       .build()
 */
export function workflow(name: string): WorkflowBuilder<never> {
  return new WorkflowBuilder(name, [])
}

export class WorkflowBuilder<Ids extends string> {
  readonly #name: string
  readonly #steps: readonly WorkflowStep[]
  readonly #ended: boolean

  constructor(name: string, steps: readonly WorkflowStep[], ended = false) {
    this.#name = name
    this.#steps = steps
    this.#ended = ended
  }

  ask<Id extends string>(id: Id, fields: Fields<'ask'>): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'ask', id, ...fields })
  }
  locate<Id extends string>(id: Id, fields: Fields<'locate'>): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'locate', id, ...fields })
  }
  segment<Id extends string>(id: Id, fields: Fields<'segment'>): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'segment', id, ...fields })
  }
  findMoment<Id extends string>(id: Id, fields: Fields<'find-moment'>): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'find-moment', id, ...fields })
  }
  count<Id extends string>(id: Id, fields: Fields<'count'>): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'count', id, ...fields })
  }
  /** `from` names a step before this one. */
  follow<Id extends string>(id: Id, fields: Omit<Fields<'follow'>, 'from'> & { from?: Ids }): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'follow', id, ...fields })
  }
  /** `on` names a value of a step before this one, or of the input. */
  branch<Id extends string>(id: Id, fields: Omit<Fields<'branch'>, 'on'> & { on: `${Ids | 'input'}.${string}` }): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'branch', id, ...fields })
  }
  wait<Id extends string>(id: Id, fields: Fields<'wait'>): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'wait', id, ...fields })
  }
  event<Id extends string>(id: Id, fields: Fields<'event'>): WorkflowBuilder<Ids | Id> {
    return this.#add({ kind: 'event', id, ...fields })
  }

  /** The last step is the end of its way: the next one is reached by name only. */
  end(): WorkflowBuilder<Ids> {
    return new WorkflowBuilder(this.#name, this.#steps, true)
  }

  /** The graph, validated. */
  build(): WorkflowGraph {
    return validateGraph({ name: this.#name, version: 1, start: this.#steps[0]?.id ?? '', steps: this.#steps })
  }

  #add<Id extends string>(step: WorkflowStep): WorkflowBuilder<Ids | Id> {
    const last = this.#steps.at(-1)
    const goesOn = last && last.kind !== 'branch' && last.next === undefined && !this.#ended
    return new WorkflowBuilder(this.#name, [...this.#steps.slice(0, -1), ...(last ? [goesOn ? { ...last, next: step.id } : last] : []), step])
  }
}
