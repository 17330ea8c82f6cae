import { z } from 'zod'

/** What every head of a bundle states about itself. */
export const headBase = {
  standing: z.boolean().describe('true: a task embedding computed once may be used on later frames'),
  token: z.strictObject({ trigger: z.string(), task: z.string() }).describe('the token pair, e.g. <region> → <region_task>'),
  threshold: z.number().min(0).max(1).describe('the served threshold on `object` and `scores`'),
  phrases: z.literal(false).optional().describe('false: it takes no task embedding, only what a user points out on a frame'),
}
