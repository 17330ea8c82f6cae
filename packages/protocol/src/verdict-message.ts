import { z } from 'zod'
import { Box } from './geometry.ts'
import { Rle } from './mask.ts'
import { Region } from './tasks/region.ts'
import { Task } from './tasks/task.ts'
import { Duration, FrameNumber, MediaTime, StreamNumber, Unit, WallTime } from './units.ts'
import { TrackLife } from './watch.ts'

/** What a standing query or a track says of one frame: short-lived, no evidence id [FR6]. */
export const Perception = z.strictObject({
  watch: z.string().optional(),
  track: z.string().optional(),
  task: Task,
  score: Unit,
  regions: z.array(Region).optional(),
  mask: Rle.optional(),
  box: Box.optional(),
  life: TrackLife.optional(),
})
export type Perception = z.infer<typeof Perception>

export const DropReason = z.enum(['stale', 'budget', 'too-large', 'undecodable', 'paused', 'unavailable'])
export type DropReason = z.infer<typeof DropReason>

export const FrameSeen = z.strictObject({
  type: z.literal('frame-seen'),
  stream: StreamNumber,
  frame: FrameNumber,
  mediaTime: MediaTime,
  receivedAt: WallTime,
  timings: z.strictObject({ queue: Duration, decode: Duration, encode: Duration, heads: Duration }).describe('ms at the backend'),
  perceptions: z.array(Perception),
})
export type FrameSeen = z.infer<typeof FrameSeen>

export const FrameDropped = z.strictObject({
  type: z.literal('frame-dropped'),
  stream: StreamNumber,
  frame: FrameNumber,
  reason: DropReason,
  message: z.string().optional(),
})
export type FrameDropped = z.infer<typeof FrameDropped>

/** Many verdicts in one message: after a gap, a resume, a lost backend [FR1] [EV2]. */
export const FramesSettled = z.strictObject({
  type: z.literal('frames-settled'),
  stream: StreamNumber,
  ranges: z.array(z.strictObject({ from: FrameNumber, to: FrameNumber, outcome: z.enum(['seen', 'dropped']), reason: DropReason.optional() })),
})
export type FramesSettled = z.infer<typeof FramesSettled>
