import type { WorkflowStep } from '@fovea/protocol'
import type { StepKind } from './step.ts'
import { ask } from './steps/ask.ts'
import { branch } from './steps/branch.ts'
import { count } from './steps/count.ts'
import { event } from './steps/event.ts'
import { findMoment } from './steps/find-moment.ts'
import { follow } from './steps/follow.ts'
import { locate } from './steps/locate.ts'
import { segment } from './steps/segment.ts'
import { wait } from './steps/wait.ts'

/** The list. A new kind is a file in steps/, its schema in the protocol, and its name here. */
const kinds: Record<WorkflowStep['kind'], StepKind> = { ask, locate, segment, 'find-moment': findMoment, count, follow, branch, wait, event }

export function kindOf(step: WorkflowStep): StepKind {
  return kinds[step.kind]
}
