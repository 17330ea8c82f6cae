import { z } from 'zod'
import { AskAt } from './ask.ts'
import { StreamNumber, Words } from './units.ts'

const id = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'a step id: lower-case letters, digits and "-"')
const next = id.describe('the step that comes next; without it the run ends')
const step = <Name extends string, Shape extends z.core.$ZodShape>(kind: Name, shape: Shape) =>
  z.strictObject({ kind: z.literal(kind), id, ...shape, next: next.optional() })

/** A reference to an earlier value in a text: `{{step.count}}`, `{{input.thing}}`. */
const Text = Words

export const Comparison = z.strictObject({ op: z.enum(['<', '<=', '==', '!=', '>=', '>']), value: z.number() })

/** The kinds of step; `packages/workflow` runs them against a VisionSession. */
export const WorkflowStep = z.discriminatedUnion('kind', [
  step('ask', { text: Text, stream: StreamNumber.optional(), at: AskAt.optional() }),
  step('locate', { query: Text, stream: StreamNumber.optional(), at: AskAt.optional() }),
  step('segment', { query: Text, stream: StreamNumber.optional(), at: AskAt.optional() }),
  step('find-moment', { query: Text, stream: StreamNumber.optional(), at: AskAt.optional() }),
  step('count', { query: Text, stream: StreamNumber.optional(), at: AskAt.optional() }),
  step('follow', {
    query: Text.optional(),
    from: id.optional().describe('a locate or segment step whose best box is followed'),
    stream: StreamNumber.optional(),
    forMs: z.number().min(0).max(3_600_000).optional().describe('media time to follow for; until the stream closes when absent'),
  }),
  z.strictObject({
    kind: z.literal('branch'),
    id,
    on: z.string().describe('a reference such as count-cups.count'),
    when: z.array(Comparison.extend({ next })).min(1),
    otherwise: next.optional(),
  }),
  step('wait', { ms: z.number().min(0).max(86_400_000) }),
  step('event', { name: z.string().min(1).max(100), data: z.record(z.string(), z.string()).optional() }),
])
export type WorkflowStep = z.infer<typeof WorkflowStep>

/** A graph of typed steps. Edges go forward by id; `packages/workflow` checks that every id exists and every reference points back. */
export const WorkflowGraph = z.strictObject({
  name: z.string().min(1).max(100),
  version: z.literal(1),
  start: id,
  steps: z.array(WorkflowStep).min(1).max(200),
})
export type WorkflowGraph = z.infer<typeof WorkflowGraph>
