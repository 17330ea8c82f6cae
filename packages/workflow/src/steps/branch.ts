import { ProtocolError, type WorkflowStep } from '@fovea/protocol'
import { parseReference, resolve } from '../references.ts'
import { stepKind } from '../step.ts'

type Comparison = Extract<WorkflowStep, { kind: 'branch' }>['when'][number]

/** Goes where the first comparison that holds says. Gives the `value` it looked at and where it `went`. */
export const branch = stepKind({
  kind: 'branch',
  gives: ['value', 'went'],
  references: (step) => [step.on],
  branches: (step) => [...step.when.map((one) => one.next), ...(step.otherwise === undefined ? [] : [step.otherwise])],
  async run(step, { known }) {
    const found = resolve(parseReference(step.on), known)
    const value = typeof found === 'boolean' ? Number(found) : found
    if (typeof value !== 'number') throw new ProtocolError('invalid-message', `Step ${step.id} compares numbers; ${step.on} is ${JSON.stringify(found)}.`)
    const next = step.when.find((one) => holds(value, one))?.next ?? step.otherwise
    return { output: { value, went: next ?? null }, next }
  },
})

function holds(value: number, { op, value: other }: Comparison): boolean {
  switch (op) {
    case '<':
      return value < other
    case '<=':
      return value <= other
    case '==':
      return value === other
    case '!=':
      return value !== other
    case '>=':
      return value >= other
    case '>':
      return value > other
  }
}
