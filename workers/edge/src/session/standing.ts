import { ProtocolError } from '@fovea/protocol'
import type { ErrorBody, FromBackend, TrackBody, TrackLife, WatchBody } from '@fovea/protocol'
import type { SessionContext } from './context.ts'

type Message = Extract<FromBackend, { type: `watch-${string}` | `track-${string}` }>

const LIFE = { 'track-confirmed': 'confirmed', 'track-lost': 'lost', 'track-found': 'found' } as const

/** What stands on a stream until it is stopped: watches [TR1] and tracks [TR2]. The backend does the work; the session keeps what was asked for. */
export class Standing {
  readonly #context: SessionContext
  readonly watches = new Map<string, WatchBody>()
  readonly tracks = new Map<string, TrackBody & { life: TrackLife }>()
  readonly #usedTracks = new Set<string>()

  constructor(context: SessionContext) {
    this.#context = context
    for (const body of context.store.watches()) this.watches.set(body.watch, body)
    for (const id of context.store.endedTracks()) this.#usedTracks.add(id)
    for (const { body, life } of context.store.tracks()) {
      this.#usedTracks.add(body.track)
      this.tracks.set(body.track, { ...body, life })
    }
  }

  get size(): number {
    return this.watches.size + this.tracks.size
  }

  /** A backend says `watch-started` when it has compiled the query or knows that it must wait for a frame. */
  startWatch(body: WatchBody): void {
    const known = this.watches.get(body.watch)
    if (known) {
      if (JSON.stringify(known) === JSON.stringify(body)) return
      throw new ProtocolError('id-taken', `Watch ${body.watch} runs with another query. Stop it, or give this one an id of its own.`)
    }
    this.#ready(this.watches.size, this.#context.limits.watches, 'watches')
    this.#context.store.addWatch(body)
    this.watches.set(body.watch, body)
    if (!this.#context.toBackend({ type: 'watch-start', ...body })) this.#context.wake('a watch')
  }

  stopWatch(id: string, because: string, error?: ErrorBody): void {
    if (!this.watches.delete(id)) throw new ProtocolError('unknown-id', `There is no watch ${id} in this session.`)
    this.#context.toBackend({ type: 'watch-stop', watch: id })
    this.#context.record({ type: 'watch-stopped', watch: id, because, ...(error && { error }) }, () => this.#context.store.endWatch(id))
  }

  /** True of a track that has ended. */
  isOver(track: string): boolean {
    return this.#usedTracks.has(track) && !this.tracks.has(track)
  }

  startTrack(body: TrackBody): void {
    const known = this.tracks.get(body.track)
    if (known && JSON.stringify(known.prompt) === JSON.stringify(body.prompt)) return
    if (known || this.#usedTracks.has(body.track))
      throw new ProtocolError('id-taken', `Track id ${body.track} was used before in this session; track ids are never used twice.`)
    this.#ready(this.tracks.size, this.#context.limits.tracks, 'tracks')
    this.#context.emit({ type: 'track-started', track: body.track, stream: body.stream, prompt: body.prompt }, () => this.#context.store.addTrack(body))
    this.#usedTracks.add(body.track)
    this.tracks.set(body.track, { ...body, life: 'tentative' })
    if (!this.#context.toBackend({ type: 'track-start', ...body })) this.#context.wake('a track')
  }

  stopTrack(id: string, because: string, error?: ErrorBody): void {
    if (!this.tracks.delete(id)) {
      if (this.#usedTracks.has(id)) return
      throw new ProtocolError('unknown-id', `There is no track ${id} in this session.`)
    }
    this.#context.toBackend({ type: 'track-stop', track: id })
    this.#endTrack(id, because, error)
  }

  /** What a backend says of them. What is over here already is not told again. */
  hear(message: Message): void {
    const { store } = this.#context
    switch (message.type) {
      case 'watch-started':
        if (this.watches.has(message.watch)) this.#context.record(message)
        return
      case 'watch-stopped':
        if (this.watches.delete(message.watch)) this.#context.record(message, () => store.endWatch(message.watch))
        return
      case 'track-gap':
        if (this.tracks.has(message.track)) this.#context.record(message)
        return
      case 'track-ended':
        if (this.tracks.delete(message.track)) this.#endTrack(message.track, message.because, message.error)
        return
      default: {
        const track = this.tracks.get(message.track)
        if (!track) return
        const life = LIFE[message.type]
        track.life = life
        this.#context.record(message, () => store.saveTrack(message.track, life))
      }
    }
  }

  /** A backend refused one by its id; true where the id was one of these. */
  refused(id: string, error: ErrorBody): boolean {
    if (this.watches.has(id)) {
      this.stopWatch(id, error.message.slice(0, 300), error)
      return true
    }
    if (!this.tracks.has(id)) return false
    this.stopTrack(id, error.message.slice(0, 300), error)
    return true
  }

  /** All of them, or those of one stream. */
  endAll(because: string, error?: ErrorBody, stream?: number): void {
    for (const { watch, stream: of } of this.watches.values()) if (stream === undefined || of === stream) this.stopWatch(watch, because, error)
    for (const { track, stream: of } of this.tracks.values()) if (stream === undefined || of === stream) this.stopTrack(track, because, error)
  }

  #endTrack(id: string, because: string, error: ErrorBody | undefined): void {
    this.#context.record({ type: 'track-ended', track: id, because, ...(error && { error }) }, () => this.#context.store.endTrack(id))
  }

  #ready(size: number, limit: number, what: string): void {
    const state = this.#context.state()
    if (state === 'ended') throw new ProtocolError('conflict', 'This session has ended. Open a new one.')
    if (state === 'degraded')
      throw new ProtocolError('unavailable', 'No backend can serve this session at the moment. Try again in a few seconds.', {
        retryable: true,
        retryAfterMs: 3000,
      })
    if (size >= limit) throw new ProtocolError('too-many', `A session has ${limit} ${what} at most. Stop one first.`, { expected: limit })
  }
}
