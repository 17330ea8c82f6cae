import { z } from 'zod'
import { mask } from './mask.ts'
import { moment } from './moment.ts'
import { region } from './region.ts'

// The list. A new task is a file beside these, and its name here.

const tasks = { region, mask, moment }

/** The vision tasks of the protocol. */
export const Task = z.enum([...region.names, ...mask.names, ...moment.names])
export type Task = z.infer<typeof Task>

/** What a bundle may say of a head. */
export const HeadManifest = z.discriminatedUnion('task', [region.head, mask.head, moment.head])
export type HeadManifest = z.infer<typeof HeadManifest>

/** What evidence may carry, by task. */
export const taskEvidence = { ...region.evidence, ...mask.evidence, ...moment.evidence }

/** The tasks that heads serve: one for each name of its file; of a head that takes no phrases, not its own. */
export function tasksOfHeads(heads: readonly HeadManifest[]): Task[] {
  return heads.flatMap((head): Task[] =>
    Object.values(tasks)
      .flatMap(({ names }): Task[] => (names[0] === head.task ? [...names] : []))
      .filter((name) => name !== head.task || head.phrases !== false),
  )
}
