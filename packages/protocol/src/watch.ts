import { z } from 'zod'
import { Box, Point } from './geometry.ts'
import { Rle } from './mask.ts'
import { ClientId, Duration, FrameNumber, StreamNumber, Unit, Words } from './units.ts'

/** A standing query [TR1]: compiled once, then encoder and head only, on every frame. */
export const WatchBody = z.strictObject({
  watch: ClientId,
  stream: StreamNumber,
  query: Words,
  task: z.enum(['region', 'mask']),
  everyMs: Duration.optional(),
  minScore: Unit.optional(),
})
export type WatchBody = z.infer<typeof WatchBody>

/** What a track starts from [TR2]. */
export const TrackPrompt = z.union([
  z.strictObject({ query: Words }),
  z.strictObject({ box: Box, frame: FrameNumber }),
  z.strictObject({ points: z.array(Point).min(1).max(16), frame: FrameNumber }),
  z.strictObject({ mask: Rle, frame: FrameNumber }),
])
export type TrackPrompt = z.infer<typeof TrackPrompt>

export const TrackBody = z.strictObject({ track: ClientId, stream: StreamNumber, prompt: TrackPrompt })
export type TrackBody = z.infer<typeof TrackBody>

/** Life of a track [TR2]. */
export const TrackLife = z.enum(['tentative', 'confirmed', 'lost', 'found', 'ended'])
export type TrackLife = z.infer<typeof TrackLife>
