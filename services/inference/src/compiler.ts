import { ProtocolError, type FromBackend } from '@fovea/protocol'
import { endQuery } from './end-query.ts'
import type { EngineSession } from './engine-session.ts'
import type { Talk } from './lanes/talk.ts'
import type { VisionModel } from './model/vision-model.ts'
import type { Scenes } from './scenes.ts'
import { Track } from './tracks/track.ts'
import { CompileTalk } from './watches/compile-talk.ts'
import type { Watch } from './watches/watch.ts'

type Options = {
  model: VisionModel
  scenes: Scenes
  submit: (talk: Talk) => boolean
  say: (session: string, message: FromBackend) => void
  onError: (lane: string, error: unknown) => void
}

/** Gets standing queries their task embeddings: one pass of the language model each, at the first seen frame and again when one is due. */
export class Compiler {
  readonly #options: Options

  constructor(options: Options) {
    this.#options = options
  }

  /** Starts what is due for this query now, if its stream has a frame. */
  ensure(session: EngineSession, query: Watch | Track): void {
    const stream = session.streams.get(query.body.stream)
    const newest = stream?.ring.newest
    if (!stream || !newest || !this.#due(query, newest.mediaTime)) return
    const { model, scenes, submit } = this.#options
    const [phrase, task] = query instanceof Track ? [query.phrase ?? '', 'mask' as const] : [query.body.query, query.head.task]
    const talk = new CompileTalk({
      session: session.id,
      phrase,
      task,
      language: model.language,
      window: () => scenes.window(session.id, stream.body.stream, stream.look({ frame: newest.frame }, model.sampling).frames),
      stopped: () => query.stopped,
    })
    query.compiling = talk.state.then(
      (state) => {
        query.compiling = undefined
        if (query instanceof Track) query.state = state
        else query.compiled(state, newest.mediaTime)
      },
      (error: unknown) => {
        query.compiling = undefined
        this.#failed(session, query, error, newest.mediaTime)
      },
    )
    if (!submit(talk))
      talk.fail(new ProtocolError('unavailable', 'Too many asks wait already. Start the query again soon.', { retryable: true, retryAfterMs: 1000 }))
  }

  /** What must be known before this stream's next frame can be answered in full: the first compilation of each of its queries. */
  firsts(session: EngineSession, stream: number): Promise<void>[] {
    return [...session.watchesOf(stream), ...session.tracksOf(stream)].flatMap((query) => (query.state || !query.compiling ? [] : [query.compiling]))
  }

  #due(query: Watch | Track, mediaTime: number): boolean {
    if (query instanceof Track) return query.phrase !== undefined && query.alive && !query.state && !query.compiling
    return query.needsCompiling(mediaTime)
  }

  #failed(session: EngineSession, query: Watch | Track, error: unknown, mediaTime: number): void {
    if (query.stopped) return
    if (!(error instanceof ProtocolError)) this.#options.onError('compiler', error)
    if (query instanceof Track || !query.state) endQuery(session, query, error, this.#options.say)
    else query.missed(mediaTime)
  }
}
