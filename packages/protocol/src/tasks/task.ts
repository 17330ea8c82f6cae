import { z } from 'zod'

/** The vision tasks of the protocol. A head of a bundle serves region, mask or moment; `track` is a mask head stepped from frame to frame. */
export const Task = z.enum(['region', 'mask', 'track', 'moment'])
export type Task = z.infer<typeof Task>
