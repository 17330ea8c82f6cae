import { z } from 'zod'
import { Task, taskEvidence } from './tasks/task.ts'
import { Duration, EvidenceId, FrameNumber, MediaTime, StreamNumber, Unit, WallTime } from './units.ts'

/** Which model said it. */
export const ModelRef = z.strictObject({ bundle: z.string(), hash: z.string(), head: z.string() })

/**
 * Everything seen comes in this one envelope (spec section 4). Every number in it comes from a head or a tracker, none
 * is parsed from prose [PE1]; absence is a result: a score below the threshold and empty lists [PE2].
 */
export const Evidence = z.strictObject({
  id: EvidenceId,
  version: z.literal(1),
  task: Task,
  token: z.string().describe('the trigger that asked for it, e.g. <region>'),
  query: z.string().describe('the words it grounds'),
  label: z.string().optional(),
  score: Unit.describe('probability that the thing is there; below the head’s threshold = absent'),
  stream: StreamNumber,
  frame: FrameNumber,
  mediaTime: MediaTime,
  receivedAt: WallTime,
  validForMs: Duration.optional(),
  ...taskEvidence,
  model: ModelRef,
  from: z.array(EvidenceId).optional().describe('evidence it was derived from'),
  words: z
    .tuple([z.int().min(0), z.int().min(0)])
    .optional()
    .describe('start and end, in UTF-16 units, of the answer text it supports'),
})
export type Evidence = z.infer<typeof Evidence>
