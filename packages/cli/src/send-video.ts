import type { FrameSource, Session } from '@fovea/sdk'
import type { SentFrame } from './ask-at.ts'
import { Progress } from './progress.ts'

/** Sends a whole recording and returns what of it was seen, in order of media time. */
export async function sendVideo(session: Session, source: FrameSource): Promise<SentFrame[]> {
  using progress = new Progress('Sending')
  const seen: SentFrame[] = []
  const results = session.results({ limit: Infinity })
  const sending = session.send(source)
  const reading = (async () => {
    for await (const result of results) {
      if (result.stream !== sending.stream || result.type === 'frame-dropped') continue
      seen.push({ frame: result.frame, mediaTime: result.mediaTime })
      progress.update(`${seen.length} frames seen`)
    }
  })()
  await sending.done
  await results.return()
  await reading
  return seen.toSorted((a, b) => a.mediaTime - b.mediaTime)
}
