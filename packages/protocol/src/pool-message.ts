import { z } from 'zod'
import { Load } from './backend-message.ts'
import { ModelInfo } from './edge-message.ts'
import { Because } from './event.ts'
import { SessionId, WallTime } from './units.ts'

const message = <Name extends string, Shape extends z.core.$ZodShape>(type: Name, shape: Shape) => z.strictObject({ type: z.literal(type), ...shape })

/** Pool → backend on the control socket: dial this session, with this ticket, before the deadline [EP1]. */
export const Assign = message('assign', {
  session: SessionId,
  epoch: z.int().min(1),
  url: z.string().describe('ws(s) URL of the session’s attach route'),
  ticket: z.string(),
  deadline: WallTime,
})
export type Assign = z.infer<typeof Assign>
export const ToPoolMember = z.discriminatedUnion('type', [Assign])
export type ToPoolMember = z.infer<typeof ToPoolMember>

/** Backend → pool. */
export const Hello = message('hello', { backend: z.string().min(1).max(100), models: z.array(ModelInfo).min(1), capacity: z.int().min(1) })
export type Hello = z.infer<typeof Hello>
export const Refused = message('refused', { session: SessionId, epoch: z.int().min(1), because: Because })
export const FromPoolMember = z.discriminatedUnion('type', [Hello, Load, Refused])
export type FromPoolMember = z.infer<typeof FromPoolMember>
