import { ProtocolError, type Limits } from '@fovea/protocol'
import type { AskTalk } from './asks/ask-talk.ts'
import type { StreamMemory } from './stream-memory.ts'
import type { Track } from './tracks/track.ts'
import type { Watch } from './watches/watch.ts'

/** What the model thread holds of one session; everything in it is bounded by the session's limits and the engine's. */
export class EngineSession {
  readonly id: string
  readonly limits: Limits
  readonly streams = new Map<number, StreamMemory>()
  readonly watches = new Map<string, Watch>()
  readonly tracks = new Map<string, Track>()
  readonly asks = new Map<string, AskTalk>()

  constructor(id: string, limits: Limits) {
    this.id = id
    this.limits = limits
  }

  stream(number: number): StreamMemory {
    const stream = this.streams.get(number)
    if (!stream) throw new ProtocolError('unknown-stream', `Stream ${number} is not open. Open it first.`, { got: number })
    return stream
  }

  /** The stream an ask means when it names none: the one seen last. */
  defaultStream(): StreamMemory {
    const open = [...this.streams.values()]
    const best = open.reduce<StreamMemory | undefined>((a, b) => ((b.ring.newest?.receivedAt ?? -1) > (a?.ring.newest?.receivedAt ?? -1) ? b : a), open[0])
    if (!best) throw new ProtocolError('no-frame', 'No stream is open. Open one, send a frame, then ask.', { retryable: true })
    return best
  }

  watchesOf(stream: number): Watch[] {
    return [...this.watches.values()].filter((watch) => watch.body.stream === stream)
  }

  tracksOf(stream: number): Track[] {
    return [...this.tracks.values()].filter((track) => track.body.stream === stream)
  }

  /** Refuses one more where `count` stands at the limit. */
  room(kind: 'watches' | 'tracks' | 'asks' | 'streams', count: number): void {
    const limit = this.limits[kind]
    if (count >= limit)
      throw new ProtocolError('too-many', `At most ${limit} ${kind} stand at once; ${count} do. Stop one first.`, { expected: limit, got: count + 1 })
  }

  /** Everything stops; those who wait are told. */
  close(because: string): void {
    const error = new ProtocolError('unavailable', because, { retryable: true })
    for (const ask of this.asks.values()) ask.end('error', error.body())
    for (const watch of this.watches.values()) watch.stopped = true
    for (const track of this.tracks.values()) track.stopped = true
    this.watches.clear()
    this.tracks.clear()
    for (const stream of this.streams.values()) for (const entry of stream.ring.entries) stream.settle(entry.frame)
    this.streams.clear()
  }
}
