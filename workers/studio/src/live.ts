import type { Session } from '@fovea/sdk/browser'
import { Sending } from '@fovea/sdk/browser'
import type { MailboxCounts, OutStream } from '@fovea/sdk/browser'
import type { MediaClock } from './clock.ts'
import type { KeptFrames } from './kept-frames.ts'
import type { Source } from './sources/source.ts'
import { SurfaceFrames } from './surface-frames.ts'

type Options = { session: Session; clock: MediaClock; kept: KeptFrames; onFailure: (error: unknown) => void }

/** The one source that is looked at: its stream in the session, its clock and its kept frames, from opening to closing. */
export class Live {
  readonly #options: Options
  #on: { source: Source; out: OutStream; sending: Sending } | undefined

  constructor(options: Options) {
    this.#options = options
  }

  get source(): Source | undefined {
    return this.#on?.source
  }

  get stream(): number | undefined {
    return this.#on?.out.stream
  }

  get counts(): MailboxCounts | undefined {
    return this.#on?.out.counts
  }

  /** Looks at another source: the last one's stream ends, a new one begins at media time 0. */
  open(source: Source): void {
    this.close()
    const { session, clock, kept, onFailure } = this.#options
    clock.reset()
    kept.clear()
    const frames = new SurfaceFrames(source, {
      onFrame: ({ capturedAt, ...frame }) => {
        clock.tell(frame.mediaTime, capturedAt)
        kept.keep(frame)
      },
    })
    const out = session.openStream({ policy: 'latest', name: frames.name })
    const sending = new Sending(frames, out, () => session.model?.imageSize)
    this.#on = { source, out, sending }
    sending.done.catch((error: unknown) => this.#on?.sending === sending && onFailure(error))
  }

  close(): void {
    const on = this.#on
    this.#on = undefined
    on?.sending.stop()
    on?.out.close()
    on?.source.close()
  }
}
