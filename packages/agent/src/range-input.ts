import type { AskAt } from '@fovea/protocol'
import { z } from 'zod'

/** A span of media time as chat models give it: in seconds, either end open. */
export const RangeInput = {
  from: z.number().min(0).optional().describe('seconds of the video from which to look; now when neither is given'),
  to: z.number().min(0).optional().describe('seconds of the video until which to look'),
}

type Range = { from?: number | undefined; to?: number | undefined }

/** The same as the protocol has it, in milliseconds: an open start is 0, an open end the newest frame. Undefined where no span was given, or its end is not known. */
export function rangeOf({ from, to }: Range, newest: number | undefined): AskAt | undefined {
  if (from === undefined && to === undefined) return undefined
  const end = to === undefined ? newest : to * 1000
  return end === undefined ? undefined : { from: Math.min((from ?? 0) * 1000, end), to: end }
}
