import { ProtocolError } from '@fovea/protocol'
import type { Session } from '@fovea/sdk'
import type { SentFrame } from './ask-at.ts'
import { Progress } from './progress.ts'
import type { Recording } from './recording.ts'

/** Sends a whole recording and returns what of it was seen, in order of media time. Throws where nothing was. */
export async function sendVideo(session: Session, { source, total }: Recording): Promise<SentFrame[]> {
  using progress = new Progress('Sending')
  const seen: SentFrame[] = []
  const dropped: string[] = []
  const results = session.results({ limit: Infinity })
  const sending = session.send(source)
  const reading = (async () => {
    for await (const result of results) {
      if (result.stream !== sending.stream) continue
      if (result.type === 'frame-dropped') dropped.push(result.reason)
      else seen.push({ frame: result.frame, mediaTime: result.mediaTime })
      progress.update(`${seen.length}${total === undefined ? '' : ` of ${total}`} frames seen`)
    }
  })()
  await sending.done
  await results.return()
  await reading
  progress.done()
  const undecodable = dropped.filter((reason) => reason === 'undecodable').length
  const name = source.name ?? 'this recording'
  if (seen.length === 0 && undecodable > 0)
    throw new ProtocolError(
      'undecodable',
      undecodable === 1 ? `${name} could not be decoded: the picture is damaged.` : `None of the ${undecodable} pictures of ${name} could be decoded.`,
    )
  if (undecodable > 0) process.stderr.write(`${undecodable} of ${undecodable + seen.length} pictures of ${name} could not be decoded and are left out.\n`)
  return seen.toSorted((a, b) => a.mediaTime - b.mediaTime)
}
