import type { TrackPrompt } from '@fovea/protocol'
import type { FollowedTrack, Session, Watch } from '@fovea/sdk/browser'

type Options = { session: Session; stream: () => number | undefined; onFailure: (doing: string, error: unknown) => void }
type Watched = { query: string; task: 'region' | 'mask'; watch: Watch }

/** What stands on the current picture, started from this page: watches and tracks, and how each is stopped. */
export class Standing {
  readonly #options: Options
  readonly #watches = new Map<string, Watched>()
  readonly #tracks = new Map<string, FollowedTrack>()

  constructor(options: Options) {
    this.#options = options
  }

  watch(query: string, task: 'region' | 'mask'): void {
    const { session, stream, onFailure } = this.#options
    const on = stream()
    if (on === undefined) return onFailure(`“${query}” cannot be watched`, new Error('there is no picture yet. Choose a camera, a file or a sample first.'))
    const watch = session.watch(query, { task, stream: on })
    this.#watches.set(watch.watch, { query, task, watch })
    watch.started.catch((error: unknown) => {
      if (this.#watches.delete(watch.watch)) onFailure(`“${query}” cannot be watched`, error)
    })
  }

  async follow(prompt: TrackPrompt): Promise<void> {
    const { session, stream, onFailure } = this.#options
    const on = stream()
    try {
      if (on === undefined) throw new Error('there is no picture yet. Choose a camera, a file or a sample first.')
      const track = await session.follow(prompt, { stream: on })
      this.#tracks.set(track.track, track)
    } catch (error) {
      onFailure('It cannot be followed', error)
    }
  }

  /** Stops a watch or a track. False when neither was started here. */
  stop(id: string): boolean {
    const watched = this.#watches.get(id)
    const track = this.#tracks.get(id)
    this.#watches.delete(id)
    this.#tracks.delete(id)
    watched?.watch.stop()
    track?.stop()
    return watched !== undefined || track !== undefined
  }

  /** Another picture is looked at: watches go along to it, tracks end with the old one. */
  move(): void {
    const watches = [...this.#watches.values()]
    this.#watches.clear()
    this.#tracks.clear()
    for (const { query, task } of watches) this.watch(query, task)
  }
}
