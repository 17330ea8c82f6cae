import type { SessionEvent, SessionReset, TrackPrompt, WatchBody } from '@fovea/protocol'
import type { FollowedTrack, Session, Watch } from '@fovea/sdk/browser'
import { LeftStanding } from './left-standing.ts'

type Options = { session: Session; stream: () => number | undefined; onFailure: (doing: string, error: unknown) => void }
type Watched = { query: string; task: 'region' | 'mask'; watch: Watch }

/** What stands on the current picture: watches and tracks started from this page or left by the page before a reload, and how each is stopped. */
export class Standing {
  readonly #options: Options
  readonly #watches = new Map<string, Watched>()
  readonly #tracks = new Map<string, FollowedTrack>()
  readonly #left = new LeftStanding()
  /** What was stopped here stays stopped, whatever of it is still to be told. */
  readonly #stopped = new Set<string>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Watches of an earlier page that wait for a picture. */
  get waiting(): readonly WatchBody[] {
    return this.#left.watches
  }

  /** Hears what is told of things that this page has not started; true where what waits has changed. */
  hear(event: SessionEvent): boolean {
    if ('watch' in event && (this.#watches.has(event.watch) || this.#stopped.has(event.watch))) return false
    if ('stream' in event && event.stream === this.#options.stream()) return false
    return this.#left.take(event)
  }

  reset(state: SessionReset['state']): void {
    const own = this.#options.stream()
    this.#left.reset({
      streams: state.streams.filter(({ stream }) => stream !== own),
      watches: state.watches.filter(({ watch }) => !this.#watches.has(watch) && !this.#stopped.has(watch)),
    })
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

  /** Stops a watch or a track. False when neither stands. */
  stop(id: string): boolean {
    const left = this.#left.release(id)
    this.#stopped.add(id)
    // A watch under the id of one that stands is that one.
    if (left) this.#options.session.watch(left.query, { ...left, id }).stop()
    const watched = this.#watches.get(id)
    const track = this.#tracks.get(id)
    this.#watches.delete(id)
    this.#tracks.delete(id)
    watched?.watch.stop()
    track?.stop()
    return left !== undefined || watched !== undefined || track !== undefined
  }

  /** Another picture is looked at: watches go along to it, tracks end with the old one, and so do the streams that an earlier page has left. */
  move(): void {
    const watches = [...this.#left.watches, ...this.#watches.values()]
    for (const stream of this.#left.streams) this.#options.session.openStream({ stream }).close()
    this.#left.clear()
    this.#watches.clear()
    this.#tracks.clear()
    for (const { query, task } of watches) this.watch(query, task)
  }
}
