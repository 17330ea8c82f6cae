import { z } from 'zod'
import { CODECS } from './frame.ts'
import { StreamNumber } from './units.ts'

/** `latest`: live, newest picture wins [FR3]; `all`: files, the sender waits, nothing is dropped for age [FR4]. */
export const StreamPolicy = z.enum(['latest', 'all'])
export type StreamPolicy = z.infer<typeof StreamPolicy>

export const StreamBody = z.strictObject({
  stream: StreamNumber,
  name: z.string().max(100).optional(),
  policy: StreamPolicy,
  codec: z.enum(CODECS).optional(),
  maxFps: z.number().positive().max(240).optional(),
})
export type StreamBody = z.infer<typeof StreamBody>
