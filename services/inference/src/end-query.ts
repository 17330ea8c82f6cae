import { toProtocolError, type FromBackend } from '@fovea/protocol'
import type { EngineSession } from './engine-session.ts'
import { Track } from './tracks/track.ts'
import type { Watch } from './watches/watch.ts'

/** A standing query or a track that cannot go on ends once, with its reason, and gives its place back. */
export function endQuery(session: EngineSession, query: Watch | Track, error: unknown, say: (session: string, message: FromBackend) => void): void {
  if (query.stopped) return
  query.stopped = true
  const told = toProtocolError(error)
  const because = told.message.slice(0, 300)
  if (query instanceof Track) {
    session.tracks.delete(query.body.track)
    say(session.id, { type: 'track-ended', track: query.body.track, because, error: told.body() })
  } else {
    session.watches.delete(query.body.watch)
    say(session.id, { type: 'watch-stopped', watch: query.body.watch, because, error: told.body() })
  }
}
