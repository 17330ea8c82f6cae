import type { SessionEvent, SessionReset, TrackPrompt, WatchBody } from '@fovea/protocol'
import type { FollowedTrack, Session, Watch } from '@fovea/sdk/browser'
import { LeftStanding } from './left-standing.ts'
import { isLoss } from './loss.ts'

type Asked = { query: string; task: 'region' | 'mask' }
type Watched = Asked & { watch: Watch; isConfirmed: boolean }
type Options = {
  session: Session
  stream: () => number | undefined
  onFailure: (doing: string, error: unknown) => void
  /** a watch was asked for; the edge may take a while to take it */
  onWatch: (watch: string, asked: Asked) => void
  /** … and it was not taken */
  onRefused: (watch: string) => void
  /** what went with a backend is watched again, each under another id */
  onAgain: (watches: { before: string; now: string; query: string }[]) => void
}

/** What stands on the current picture: watches and tracks started from this page or left by the page before a reload, and how each is stopped. */
export class Standing {
  readonly #options: Options
  readonly #watches = new Map<string, Watched>()
  readonly #tracks = new Map<string, FollowedTrack>()
  readonly #left = new LeftStanding()
  /** Watches of this page that went with their backend and wait for the next. */
  readonly #lost = new Map<string, Asked>()
  /** What was stopped here stays stopped, whatever of it is still to be told. */
  readonly #stopped = new Set<string>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Watches of an earlier page that wait for a picture. */
  get waiting(): readonly WatchBody[] {
    return this.#left.watches
  }

  /** Whether this page has started it. */
  has(id: string): boolean {
    return this.#watches.has(id) || this.#tracks.has(id)
  }

  /** Hears what becomes of what stands; true where what an earlier page has left is other than before. */
  hear(event: SessionEvent): boolean {
    if (event.type === 'session-state' && event.state === 'live') this.#again()
    if (event.type === 'watch-stopped' && this.#watches.has(event.watch)) return this.#ended(event)
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
    for (const [id, { query, task, isConfirmed }] of this.#watches) {
      if (!isConfirmed || state.watches.some(({ watch }) => watch === id)) continue
      this.#watches.delete(id)
      this.#lost.set(id, { query, task })
    }
    if (state.state === 'live') this.#again()
  }

  watch(query: string, task: 'region' | 'mask'): void {
    const { stream, onFailure, onWatch } = this.#options
    const on = stream()
    if (on === undefined) return onFailure(`“${query}” cannot be watched`, new Error('there is no picture yet. Choose a camera, a file or a sample first.'))
    try {
      onWatch(this.#begin({ query, task }, on), { query, task })
    } catch (error) {
      onFailure(`“${query}” cannot be watched`, error)
    }
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
    this.#lost.delete(id)
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
    const watches = [...this.#left.watches, ...this.#lost.values(), ...this.#watches.values()]
    for (const stream of this.#left.streams) this.#options.session.openStream({ stream }).close()
    this.#left.clear()
    this.#lost.clear()
    this.#watches.clear()
    this.#tracks.clear()
    for (const { query, task } of watches) this.watch(query, task)
  }

  #begin({ query, task }: Asked, stream: number): string {
    const { session, onFailure, onRefused } = this.#options
    const watch = session.watch(query, { task, stream })
    const watched: Watched = { query, task, watch, isConfirmed: false }
    this.#watches.set(watch.watch, watched)
    watch.started.then(
      () => (watched.isConfirmed = true),
      (error: unknown) => {
        if (!this.#watches.delete(watch.watch)) return
        onRefused(watch.watch)
        onFailure(`“${query}” cannot be watched`, error)
      },
    )
    return watch.watch
  }

  #ended({ watch, error }: Extract<SessionEvent, { type: 'watch-stopped' }>): false {
    const watched = this.#watches.get(watch)
    this.#watches.delete(watch)
    if (watched && isLoss(error)) this.#lost.set(watch, { query: watched.query, task: watched.task })
    return false
  }

  /** A backend is there: what went with the last one begins again on it, each once. */
  #again(): void {
    const on = this.#options.stream()
    if (on === undefined || this.#lost.size === 0) return
    const lost = [...this.#lost]
    this.#lost.clear()
    this.#options.onAgain(lost.map(([before, asked]) => ({ before, now: this.#begin(asked, on), query: asked.query })))
  }
}
