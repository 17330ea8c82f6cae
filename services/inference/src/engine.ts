import { ProtocolError, toProtocolError, type AskBody, type FromBackend, type StreamBody, type TrackBody, type WatchBody } from '@fovea/protocol'
import { AskTalk, type Sightline } from './asks/ask-talk.ts'
import { Compiler } from './compiler.ts'
import { endQuery } from './end-query.ts'
import { EngineSession } from './engine-session.ts'
import type { Scene } from './heads/head.ts'
import { FrameLine } from './frame-line.ts'
import { DecodeLane } from './lanes/decode-lane.ts'
import { HeadsLane } from './lanes/heads-lane.ts'
import { Lanes, type LanesOptions } from './lanes/lanes.ts'
import type { VisionModel } from './model/vision-model.ts'
import { Scenes, type FetchPixels } from './scenes.ts'
import { StreamMemory, type Kept } from './stream-memory.ts'
import type { EngineLimits, FromModelThread, ToModelThread } from './thread-message.ts'
import { pointOnFrame, stepTracks, Track } from './tracks/track.ts'
import { DEFAULT_LIFE } from './tracks/life.ts'
import { Watch } from './watches/watch.ts'

export type EngineOptions = LanesOptions & {
  model: VisionModel
  limits: EngineLimits
  send: (message: FromModelThread) => void
  pixelsOf: (slot: number) => Uint8Array
  fetchPixels: FetchPixels
}

/** At most this many kept frames are stepped through when a track starts in the past. */
const CATCH_UP = 16

/** Everything a device does for its sessions: three lanes over one model, fed by messages, answering with messages. Knows no thread and no socket. */
export class Engine {
  readonly #options: EngineOptions
  readonly #sessions = new Map<string, EngineSession>()
  readonly #scenes: Scenes
  readonly #decode: DecodeLane
  readonly #heads: HeadsLane
  readonly #frames: FrameLine
  readonly #compiler: Compiler
  readonly #lanes: Lanes

  constructor(options: EngineOptions) {
    this.#options = options
    const { model, limits, send, fetchPixels, pixelsOf, clock } = options
    this.#scenes = new Scenes(model, fetchPixels)
    this.#decode = new DecodeLane(model.language, { total: limits.queuedAsks, perSession: limits.queuedAsks }, clock)
    this.#heads = new HeadsLane({ total: limits.queuedFrames * 2, perSession: limits.queuedFrames })
    const say = (session: string, message: FromBackend): void => send({ type: 'say', session, message })
    this.#compiler = new Compiler({ model, scenes: this.#scenes, submit: (talk) => this.#submitTalk(talk), say, onError: options.onError })
    this.#frames = new FrameLine({
      model,
      limits,
      heads: this.#heads,
      compiler: this.#compiler,
      scenes: this.#scenes,
      sessions: this.#sessions,
      clock,
      pixelsOf,
      send,
      say,
      wake: () => this.#lanes.wake(),
      onError: options.onError,
    })
    this.#lanes = new Lanes([this.#heads, this.#frames.encode, this.#decode], options)
  }

  get sessions(): number {
    return this.#sessions.size
  }

  handle(message: Exclude<ToModelThread, { type: 'pixels' | 'picture' }>): void {
    if (message.type === 'session-open') {
      this.#sessions.get(message.session)?.close('The session was opened anew.')
      this.#sessions.set(message.session, new EngineSession(message.session, message.limits))
      return
    }
    const session = this.#sessions.get(message.session)
    if (!session) {
      if (message.type === 'frame') this.#frames.drop(message.session, message.frame, 'unavailable')
      return
    }
    switch (message.type) {
      case 'session-close':
        this.#sessions.delete(session.id)
        this.#frames.forget(session)
        session.close('The session has left this backend.')
        return
      case 'stream-open':
        return this.#openStream(session, message.body)
      case 'stream-close':
        return this.#closeStream(session, message.stream)
      case 'frame':
        this.#frames.arrive(session, message.frame)
        return this.#lanes.wake()
      case 'ask':
        return this.#ask(session, message.body, message.arrivedAt)
      case 'ask-cancel':
        return session.asks.get(message.ask)?.end('cancelled')
      case 'watch':
        return this.#watch(session, message.body)
      case 'watch-stop':
        return this.#stopWatch(session, message.watch)
      case 'track':
        return void this.#track(session, message.body)
      case 'track-stop':
        return this.#stopTrack(session, message.track, 'It was stopped.')
    }
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) session.close('The backend is closing.')
    this.#sessions.clear()
    await this.#lanes.close()
    await this.#options.model.close()
  }

  #openStream(session: EngineSession, body: StreamBody): void {
    const { ringBytes, featureFrames } = this.#options.limits
    // Streams share the session's memory, so that a second stream does not double it.
    session.streams.set(body.stream, new StreamMemory(body, { ringBytes: ringBytes / Math.max(1, session.limits.streams), featureFrames }))
  }

  #closeStream(session: EngineSession, number: number): void {
    session.streams.delete(number)
    for (const watch of session.watchesOf(number)) this.#stopWatch(session, watch.body.watch)
    for (const track of session.tracksOf(number)) this.#stopTrack(session, track.body.track, 'Its stream was closed.')
  }

  #ask(session: EngineSession, body: AskBody, arrivedAt: number): void {
    const { model, clock } = this.#options
    const say = (message: FromBackend): void => this.#say(session.id, message)
    const talk = new AskTalk({
      session: session.id,
      body,
      arrivedAt,
      say,
      clock,
      model: { language: model.language, heads: model.heads.list, info: model.info },
      sightline: () => this.#sightline(session, body),
      ended: () => session.asks.delete(body.ask),
    })
    this.#attempt(
      (error) => talk.fail(error),
      async () => {
        session.room('asks', session.asks.size)
        session.asks.set(body.ask, talk)
        const missing = body.tasks?.find((task) => !model.heads.list.some((head) => head.task === task))
        if (missing)
          throw new ProtocolError('unsupported', `This model has no head for ${missing}; it has ${model.heads.list.map((head) => head.task).join(', ')}.`)
        await (body.stream === undefined ? session.defaultStream() : session.stream(body.stream)).caughtUp()
        if (!this.#submitTalk(talk))
          throw new ProtocolError('unavailable', 'Too many asks wait already. Try again soon.', { retryable: true, retryAfterMs: 1000 })
      },
    )
  }

  async #sightline(session: EngineSession, { stream: number, at = 'now' }: AskBody): Promise<Sightline> {
    const stream = number === undefined ? session.defaultStream() : session.stream(number)
    const { frames, last } = stream.look(at, this.#options.model.sampling)
    const window = await this.#scenes.window(session.id, stream.body.stream, frames)
    // The answer may take longer than the stream keeps this frame: what its heads look at is held from the start.
    const held = last.scene
    const parts = stream.survey(at, this.#options.model.sampling).map((part) => () => this.#scenes.window(session.id, stream.body.stream, part))
    return { stream: stream.body.stream, window, last, scene: async () => held ?? this.#scenes.of(session.id, stream.body.stream, last, frames), parts }
  }

  #watch(session: EngineSession, body: WatchBody): void {
    const { model, limits } = this.#options
    this.#attempt(
      (error) => this.#refuse(session, body.watch, error),
      async () => {
        const head = model.heads.list.find((each) => each.task === body.task)
        if (!head)
          throw new ProtocolError('unsupported', `This model has no head for ${body.task}; it has ${model.heads.list.map((each) => each.task).join(', ')}.`)
        session.stream(body.stream)
        if (!session.watches.has(body.watch)) session.room('watches', session.watches.size)
        const watch = new Watch(body, head, { refreshMs: limits.watchRefreshMs, everyMs: model.sampling.everyMs })
        session.watches.set(body.watch, watch)
        this.#say(session.id, { type: 'watch-started', ...body, standing: head.standing })
        this.#compiler.ensure(session, watch)
      },
    )
  }

  #stopWatch(session: EngineSession, id: string): void {
    const watch = session.watches.get(id)
    if (!watch) return
    watch.stopped = true
    session.watches.delete(id)
    this.#say(session.id, { type: 'watch-stopped', watch: id, because: 'It was stopped.' })
  }

  #track(session: EngineSession, body: TrackBody): void {
    const { model, limits } = this.#options
    const track = new Track(body, { ...DEFAULT_LIFE, ttlMs: limits.trackTtlMs })
    const end = (error: unknown): void => endQuery(session, track, error, (to, message) => this.#say(to, message))
    this.#attempt(end, async () => {
      const { tracker } = model.heads
      if (!tracker) throw new ProtocolError('unsupported', 'This model has no mask head, so it cannot follow.')
      const stream = session.stream(body.stream)
      if (!session.tracks.has(body.track)) session.room('tracks', session.tracks.size)
      session.tracks.set(body.track, track)
      if ('query' in body.prompt) {
        if (!model.heads.list.some((head) => head.task === 'mask'))
          throw new ProtocolError('unsupported', 'The mask head of this model takes no phrases. Start the track with a box or points.')
        return this.#compiler.ensure(session, track)
      }
      await stream.caughtUp()
      const kept = stream.frame(body.prompt.frame)
      if (!this.#trackStep(session, track, kept, (scene) => pointOnFrame(tracker, track, scene, kept), end))
        throw new ProtocolError('unavailable', 'Too many frames wait already. Start the track again soon.', { retryable: true, retryAfterMs: 1000 })
      // What was seen since then is caught up with, so that the track stands where the stream does; where there is no room it goes on from the next frame.
      for (const later of stream.after(kept, CATCH_UP)) this.#trackStep(session, track, later, (scene) => stepTracks(tracker, [track], scene, later), end)
      this.#lanes.wake()
    })
  }

  /** One step of a track on a kept frame, as a turn of the heads' lane; false where that has no room. */
  #trackStep(
    session: EngineSession,
    track: Track,
    kept: Kept,
    step: (scene: Scene) => Promise<{ messages: FromBackend[] }>,
    end: (error: unknown) => void,
  ): boolean {
    const { stream: number } = track.body
    return this.#heads.submit({
      session: session.id,
      cost: 1,
      fail: end,
      run: async () => {
        const stream = session.streams.get(number)
        if (!track.alive || !stream) return
        const clip = this.#options.model.unit === 'clip' ? stream.look({ frame: kept.frame }, this.#options.model.sampling).frames : []
        const { messages } = await step(await this.#scenes.of(session.id, number, kept, clip))
        for (const message of messages) {
          this.#say(session.id, message)
          if (message.type === 'track-ended') session.tracks.delete(message.track)
        }
      },
    })
  }

  #stopTrack(session: EngineSession, id: string, because: string): void {
    const track = session.tracks.get(id)
    if (!track) return
    track.stopped = true
    session.tracks.delete(id)
    this.#say(session.id, { type: 'track-ended', track: id, because })
  }

  #submitTalk(talk: Parameters<DecodeLane['submit']>[0]): boolean {
    const taken = this.#decode.submit(talk)
    this.#lanes.wake()
    return taken
  }

  #refuse(session: EngineSession, of: string, error: unknown): void {
    this.#say(session.id, { type: 'error', of, ...toProtocolError(error).body() })
  }

  #say(session: string, message: FromBackend): void {
    this.#options.send({ type: 'say', session, message })
  }

  #attempt(fail: (error: unknown) => void, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (!(error instanceof ProtocolError)) this.#options.onError('engine', error)
      fail(error)
    })
  }
}
