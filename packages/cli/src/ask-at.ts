import { InvalidArgumentError } from 'commander'
import { ProtocolError } from '@fovea/protocol'
import type { AskAt } from '@fovea/protocol'
import { seconds } from './describe-evidence.ts'

export type SentFrame = { frame: number; mediaTime: number }

/** Where a question about a recording looks, in milliseconds of it. */
export type When = 'all' | 'now' | { time: number } | { from: number; to: number }

const TIME = String.raw`(\d+(?:\.\d*)?|\.\d+)`
const RANGE = new RegExp(`^${TIME}(?:\\s*[-–]\\s*${TIME})?$`)

/**
 * Reads `--at`. `all`: from the first kept frame of the recording to its last; `now`: what ends with the last frame;
 * `2.5`: what ends at 2.5 s; `1-3`: from 1 s to 3 s.
 */
export function readWhen(text: string): When {
  if (text === 'all' || text === 'now') return text
  const [, first, second] = RANGE.exec(text.trim()) ?? []
  if (first === undefined) throw new InvalidArgumentError('all, now, a time in seconds such as 2.5, or a range such as 1-3 is expected.')
  const from = Number(first) * 1000
  if (second === undefined) return { time: from }
  const to = Number(second) * 1000
  if (to <= from) throw new InvalidArgumentError('A range ends after it begins, such as 1-3.')
  return { from, to }
}

/** The same for the frames of a recording that were seen, of which there is at least one. */
export function askAt(when: When, frames: readonly SentFrame[]): AskAt {
  const first = frames[0]
  const last = frames.at(-1)
  if (!first || !last) throw new ProtocolError('no-frame', 'No frame of this recording was seen, so there is nothing to ask about.')
  if (typeof when === 'object') refuseBeyond(when, first, last, frames.length)
  if (when === 'now' || frames.length === 1) return 'now'
  if (when === 'all') return { from: first.mediaTime, to: last.mediaTime }
  if ('from' in when) return when
  const away = ({ mediaTime }: SentFrame) => Math.abs(mediaTime - when.time)
  return { frame: frames.reduce((best, frame) => (away(frame) < away(best) ? frame : best), first).frame }
}

/** The last picture is shown for as long as the others are on average: the recording is that much longer. */
function refuseBeyond(when: { time: number } | { from: number; to: number }, first: SentFrame, last: SentFrame, count: number): void {
  const end = 'time' in when ? when.time : when.to
  const length = last.mediaTime + (count > 1 ? (last.mediaTime - first.mediaTime) / (count - 1) : 0)
  if (end <= length) return
  throw new ProtocolError(
    'invalid-message',
    count === 1
      ? `--at ${end / 1000}: this recording is one picture, which has no other time. Leave --at out.`
      : `--at ${end / 1000} lies beyond this recording, which is ${seconds(length)} long.`,
  )
}
