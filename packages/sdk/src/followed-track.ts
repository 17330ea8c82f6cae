import { ProtocolError } from '@fovea/protocol'
import type { SessionEvent, Track, TrackUpdate } from '@fovea/protocol'
import type { AsyncQueue } from './async-queue.ts'
import { Broadcast } from './broadcast.ts'

const LIFE = { 'track-confirmed': 'confirmed', 'track-lost': 'lost', 'track-found': 'found' } as const

/** A followed object [TR2]: its life from the log, its place from the verdicts. */
export class FollowedTrack implements Track {
  readonly track: string
  readonly #updates = new Broadcast<TrackUpdate>({ limit: 4096 })
  readonly #stop: () => void

  constructor(track: string, stop: () => void) {
    this.track = track
    this.#stop = stop
  }

  get last(): TrackUpdate | undefined {
    return this.#updates.last
  }

  stop(): void {
    this.#stop()
    this.#updates.end()
  }

  [Symbol.asyncIterator](): AsyncQueue<TrackUpdate> {
    return this.#updates[Symbol.asyncIterator]()
  }

  /** @internal */
  hear(event: SessionEvent): void {
    if (event.type === 'track-ended') this.end(event.error && new ProtocolError(event.error.code, event.error.message, event.error))
    else if (event.type === 'track-confirmed' || event.type === 'track-lost' || event.type === 'track-found') {
      const { stream, frame, mediaTime } = event
      this.update({ track: this.track, life: LIFE[event.type], stream, frame, mediaTime })
    }
  }

  /** @internal */
  update(update: TrackUpdate): void {
    this.#updates.publish(update)
  }

  /** @internal */
  end(error?: Error): void {
    const last = this.#updates.last
    if (last) this.#updates.publish({ track: last.track, life: 'ended', stream: last.stream, frame: last.frame, mediaTime: last.mediaTime })
    this.#updates.end(error)
  }
}
