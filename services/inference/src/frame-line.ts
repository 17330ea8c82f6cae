import type { DropReason, FrameDropped, FrameSeen, FromBackend, Perception } from '@fovea/protocol'
import type { Compiler } from './compiler.ts'
import { endQuery } from './end-query.ts'
import type { EngineSession } from './engine-session.ts'
import type { Scene } from './heads/head.ts'
import { EncodeLane, type EncodeJob } from './lanes/encode-lane.ts'
import type { HeadsJob, HeadsLane } from './lanes/heads-lane.ts'
import { stack } from './model/tensor.ts'
import type { VisionModel } from './model/vision-model.ts'
import type { Scenes } from './scenes.ts'
import type { Kept, StreamMemory } from './stream-memory.ts'
import type { EngineLimits, FrameArrived, FromModelThread, Timings } from './thread-message.ts'
import { stepTracks, type Track } from './tracks/track.ts'
import type { Watch } from './watches/watch.ts'

type Options = {
  model: VisionModel
  limits: EngineLimits
  heads: HeadsLane
  compiler: Compiler
  scenes: Scenes
  sessions: ReadonlyMap<string, EngineSession>
  clock: () => number
  pixelsOf: (slot: number) => Uint8Array
  send: (message: FromModelThread) => void
  say: (session: string, message: FromBackend) => void
  wake: () => void
  onError: (lane: string, error: unknown) => void
}
/** Frames in a row on which a head may break before its queries end. */
const FAULTS = 3
type FrameJob = EncodeJob & { owner: EngineSession; stream: StreamMemory; frame: FrameArrived; settled: boolean }

/** The way of a frame through the device: encoder, ring, standing queries and tracks, one verdict. */
export class FrameLine {
  readonly encode: EncodeLane<FrameJob>
  readonly #options: Options
  // Frames of a stream that wait for a first compilation; the ones behind them wait too, so that verdicts keep their order.
  readonly #held = new Map<StreamMemory, Promise<void>>()

  constructor(options: Options) {
    this.#options = options
    const { limits, sessions } = options
    this.encode = new EncodeLane<FrameJob>({
      limits: { total: limits.queuedFrames, perSession: limits.queuedFrames },
      batch: limits.batch,
      liveSessions: () => sessions.size,
      encode: (jobs, now) => this.#encode(jobs, now),
      late: (job) => this.#drop(job, 'stale'),
    })
  }

  arrive(owner: EngineSession, frame: FrameArrived): void {
    const { limits, clock } = this.#options
    const stream = owner.streams.get(frame.stream)
    if (!stream) return this.drop(owner.id, frame, 'unavailable')
    const deadline = stream.body.policy === 'latest' && !frame.keep ? frame.arrivedAt + limits.maxAgeMs : undefined
    stream.expect(frame.frame)
    const job: FrameJob = { session: owner.id, cost: 1, deadline, queuedAt: clock(), owner, stream, frame, settled: false }
    if (!this.encode.submit(job)) this.#drop(job, 'unavailable')
  }

  /** A frame that gets no further: its verdict, and its slot back. */
  drop(session: string, { stream, frame, slot }: FrameArrived, reason: DropReason): void {
    const verdict: FrameDropped = { type: 'frame-dropped', stream, frame, reason }
    this.#options.send({ type: 'verdict', session, stream, frame, outcome: 'dropped', reason, json: JSON.stringify(verdict), slot, gone: [] })
  }

  /** A session has gone: its frames give their slots back. */
  forget(session: EngineSession): void {
    for (const job of this.encode.remove(session.id)) this.#drop(job, 'unavailable')
  }

  #drop(job: FrameJob, reason: DropReason): void {
    if (job.settled) return
    job.settled = true
    this.drop(job.session, job.frame, reason)
    job.stream.settle(job.frame.frame)
  }

  async #encode(jobs: FrameJob[], now: number): Promise<void> {
    const { model, clock } = this.#options
    const start = clock()
    try {
      if (model.unit === 'clip') {
        for (const job of jobs) this.#encoded(job, await this.#clip(job), now - job.queuedAt, clock() - start)
      } else {
        const scenes = await model.encode(jobs.map((job) => this.#options.pixelsOf(job.frame.slot)))
        const ms = (clock() - start) / jobs.length
        for (const [index, job] of jobs.entries()) {
          const scene = scenes[index]
          if (scene) this.#encoded(job, { scene }, now - job.queuedAt, ms)
        }
      }
    } catch (error) {
      for (const job of jobs) this.#drop(job, 'unavailable')
      throw error
    }
  }

  /** A clip model sees the frames that lead up to this one. */
  async #clip({ stream, frame }: FrameJob): Promise<{ scene: Scene; pixels: Uint8Array }> {
    const { model, pixelsOf } = this.#options
    const pixels = pixelsOf(frame.slot).slice()
    const clip = stream.leadingTo(frame.mediaTime, model.sampling).map((kept) => kept?.pixels ?? pixels)
    while (clip.length < model.sampling.frames) clip.unshift(clip[0] ?? pixels)
    const [scene] = await model.encode(clip)
    if (!scene) throw new Error('The encoder gave no scene.')
    return { scene, pixels }
  }

  #encoded(job: FrameJob, { scene, pixels }: { scene: Scene; pixels?: Uint8Array }, queue: number, encode: number): void {
    const { compiler, heads, wake } = this.#options
    const { owner, stream, frame } = job
    const gone = stream.keep(frame, scene, pixels)
    const timings: Timings = { queue: tenths(queue), decode: tenths(frame.decodeMs), encode: tenths(encode), heads: 0 }
    const kept = stream.ring.find(frame.frame)
    const watches = owner.watchesOf(frame.stream)
    const tracks = owner.tracksOf(frame.stream)
    for (const query of [...watches, ...tracks]) compiler.ensure(owner, query)
    const finish = (perceptions: Perception[]): void => this.#seen(job, gone, timings, perceptions)
    if (!kept || (watches.length === 0 && tracks.length === 0)) return finish([])
    const work: HeadsJob = {
      session: owner.id,
      cost: 1,
      run: async () => {
        const start = this.#options.clock()
        const perceptions = await this.#perceive(owner, kept, scene, frame.stream)
        timings.heads = tenths(this.#options.clock() - start)
        finish(perceptions)
      },
      fail: (error) => {
        this.#options.onError('heads', error)
        finish([])
      },
    }
    const submit = (): void => {
      if (!heads.submit(work)) finish([])
      wake()
    }
    const waitFor = [this.#held.get(stream), ...compiler.firsts(owner, frame.stream)].filter((each) => each !== undefined)
    if (waitFor.length === 0) return submit()
    const held = Promise.all(waitFor)
      .then(submit)
      .finally(() => {
        if (this.#held.get(stream) === held) this.#held.delete(stream)
      })
    this.#held.set(stream, held)
  }

  async #perceive(owner: EngineSession, kept: Kept, scene: Scene, stream: number): Promise<Perception[]> {
    const { model, say, scenes } = this.#options
    const perceptions: Perception[] = []
    const due = owner.watchesOf(stream).filter((watch) => watch.due(kept.mediaTime))
    for (const [head, watches] of Map.groupBy(due, (watch) => watch.head)) {
      await this.#guard(owner, watches, async () => {
        const states = watches.flatMap((watch) => watch.state ?? [])
        const memory = owner.streams.get(stream)
        const window = head.needsWindow && memory ? await scenes.window(owner.id, stream, memory.look({ frame: kept.frame }, model.sampling).frames) : undefined
        const sights = await head.run({ scene, window, size: kept }, stack(states))
        watches.forEach((watch: Watch, index) => {
          const sight = sights[index]
          if (sight) perceptions.push(watch.perceive(sight, kept.mediaTime))
        })
      })
    }
    const tracks = owner.tracksOf(stream)
    const { tracker } = model.heads
    if (tracks.length > 0 && tracker) {
      await this.#guard(owner, tracks, async () => {
        const stepped = await stepTracks(tracker, tracks, scene, kept)
        perceptions.push(...stepped.perceptions)
        for (const message of stepped.messages) {
          say(owner.id, message)
          if (message.type === 'track-ended') owner.tracks.delete(message.track)
        }
      })
    }
    return perceptions
  }

  /** A head that breaks takes nothing from the others; after some frames in a row those who asked for it are told, and end. */
  async #guard(owner: EngineSession, queries: readonly (Watch | Track)[], look: () => Promise<void>): Promise<void> {
    try {
      await look()
      for (const query of queries) query.faults = 0
    } catch (error) {
      this.#options.onError('heads', error)
      for (const query of queries) if (++query.faults >= FAULTS) endQuery(owner, query, error, this.#options.say)
    }
  }

  #seen(job: FrameJob, gone: number[], timings: Timings, perceptions: Perception[]): void {
    if (job.settled) return
    job.settled = true
    const { session, stream, frame } = job
    const verdict: FrameSeen = {
      type: 'frame-seen',
      stream: frame.stream,
      frame: frame.frame,
      mediaTime: frame.mediaTime,
      receivedAt: frame.receivedAt,
      timings,
      perceptions,
    }
    this.#options.send({
      type: 'verdict',
      session,
      stream: frame.stream,
      frame: frame.frame,
      outcome: 'seen',
      json: JSON.stringify(verdict),
      timings,
      slot: frame.slot,
      gone,
    })
    stream.settle(frame.frame)
  }
}

const tenths = (ms: number): number => Math.max(0, Math.round(ms * 10) / 10)
