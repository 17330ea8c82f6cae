import { ProtocolError } from '@fovea/protocol'
import type { AskAt } from '@fovea/protocol'

export type SentFrame = { frame: number; mediaTime: number }

/**
 * Where a question about a recording looks. `all` (the default): from its first kept frame to its last; `now`: what ends
 * with the last frame; `2.5`: what ends at 2.5 s; `1-3`: from 1 s to 3 s.
 */
export function askAt(text: string, frames: readonly SentFrame[]): AskAt {
  const first = frames[0]
  const last = frames.at(-1)
  if (!first || !last) throw new ProtocolError('no-frame', 'No frame of this video was seen, so there is nothing to ask about.')
  if (text === 'now' || frames.length === 1) return 'now'
  if (text === 'all') return { from: first.mediaTime, to: last.mediaTime }
  const range = /^([\d.]+)\s*[-–]\s*([\d.]+)$/.exec(text)
  if (range) return { from: Number(range[1]) * 1000, to: Number(range[2]) * 1000 }
  const time = Number(text) * 1000
  if (!Number.isFinite(time))
    throw new ProtocolError('invalid-message', `--at takes all, now, a time in seconds such as 2.5, or a range such as 1-3; "${text}" came.`)
  const nearest = frames.reduce((best, frame) => (Math.abs(frame.mediaTime - time) < Math.abs(best.mediaTime - time) ? frame : best), first)
  return { frame: nearest.frame }
}
