import { z } from 'zod'
import { Box } from './geometry.ts'
import { Task } from './tasks/task.ts'
import { ClientId, Duration, FrameNumber, MediaTime, StreamNumber, Words } from './units.ts'

/** Where an ask looks: the frames that end now, that end at a frame, or uniformly over a range of media time [AS7]. */
export const AskAt = z.union([
  z.literal('now'),
  z.strictObject({ frame: FrameNumber }),
  z.strictObject({ from: MediaTime, to: MediaTime }).refine((range) => range.to >= range.from, '`to` is not before `from`'),
])
export type AskAt = z.infer<typeof AskAt>

/** The body of an ask, the same on the socket and over HTTP [AS1] [AS6]. `tasks` forces heads: `text` is then the bare phrase. */
export const AskBody = z.strictObject({
  ask: ClientId,
  text: Words,
  stream: StreamNumber.optional(),
  at: AskAt.optional(),
  tasks: z
    .array(Task.exclude(['track']))
    .min(1)
    .max(3)
    .optional(),
  boxes: z.array(Box).min(1).max(8).optional().describe('what each `<box>` in the text stands for, in order'),
  deadlineMs: Duration.min(1).max(600_000).optional(),
})
export type AskBody = z.infer<typeof AskBody>

export const Finish = z.enum(['stop', 'length', 'deadline', 'cancelled', 'error'])
export type Finish = z.infer<typeof Finish>

export const Usage = z.strictObject({
  promptTokens: z.int().min(0),
  answerTokens: z.int().min(0),
  heads: z.int().min(0),
  deviceMs: Duration.describe('time of the device; of a run shared with others, its part'),
  firstWordMs: Duration.optional(),
  totalMs: Duration,
})
export type Usage = z.infer<typeof Usage>
