import { z } from 'zod'

/** What a session may use; told in `session-ready`, enforced at the edge and at the backend. */
export const Limits = z.strictObject({
  maxFrameBytes: z.int(),
  maxPixels: z.int(),
  maxFps: z.number(),
  bytesPerSecond: z.number(),
  streams: z.int(),
  watches: z.int(),
  tracks: z.int(),
  asks: z.int().describe('running at once'),
  asksPerMinute: z.int(),
  textLength: z.int(),
  logBytes: z.int().describe('cap of the event log; the oldest events are trimmed first [EV4]'),
  logAgeMs: z.int(),
})
export type Limits = z.infer<typeof Limits>

export const DEFAULT_LIMITS: Limits = {
  maxFrameBytes: 2 * 1024 * 1024,
  maxPixels: 16_777_216,
  maxFps: 60,
  bytesPerSecond: 16 * 1024 * 1024,
  streams: 4,
  watches: 16,
  tracks: 16,
  asks: 8,
  asksPerMinute: 120,
  textLength: 4000,
  logBytes: 32 * 1024 * 1024,
  logAgeMs: 24 * 3_600_000,
}
/** Default window: numbers whose verdict a client has not read [FR2] [FR3]. */
export const DEFAULT_WINDOW = 2
/** No event exceeds this many bytes of JSON [EV4]. */
export const MAX_EVENT_BYTES = 256 * 1024
