import { ProtocolError, type FromBackend, type Perception, type TrackBody } from '@fovea/protocol'
import type { Followed, MaskTracker, Step } from '../heads/mask-tracker.ts'
import type { Scene } from '../heads/head.ts'
import { stack } from '../model/tensor.ts'
import { Life, type LifeRules } from './life.ts'

export type TrackFrame = { frame: number; mediaTime: number; height: number; width: number }
/** A pause in media time longer than this is told: nobody knows what the object did meanwhile [TR3]. */
export const GAP_MS = 2000

/** One followed object [TR2]: pointed out by a phrase that is compiled once, or by a box, points or a mask on a frame. */
export class Track {
  readonly body: TrackBody
  readonly life: Life
  /** the task embedding of a phrase */
  state: Float32Array | undefined
  followed: Followed | undefined
  compiling: Promise<void> | undefined
  stopped = false
  /** frames in a row on which its head broke */
  faults = 0
  #lastTime = -Infinity

  constructor(body: TrackBody, rules?: LifeRules) {
    this.body = body
    this.life = new Life(rules)
  }

  get phrase(): string | undefined {
    return 'query' in this.body.prompt ? this.body.prompt.query : undefined
  }

  get alive(): boolean {
    return !this.stopped && this.life.state !== 'ended'
  }

  /** Whether this frame is a step of the track: frames that go back in time are not [FR4]. */
  takes(mediaTime: number): boolean {
    return this.alive && mediaTime > this.#lastTime && (this.followed !== undefined || this.state !== undefined)
  }

  /** What one step means: a perception for the verdict, and the messages that its life calls for. */
  advance(step: { score: number; outline?: Step['outline'] }, { frame, mediaTime }: TrackFrame): { perception: Perception; messages: FromBackend[] } {
    const { track, stream } = this.body
    const messages: FromBackend[] = []
    if (Number.isFinite(this.#lastTime) && mediaTime - this.#lastTime > GAP_MS) messages.push({ type: 'track-gap', track, from: this.#lastTime, to: mediaTime })
    this.#lastTime = mediaTime
    const change = this.life.step(step.outline !== undefined, mediaTime)
    const box = step.outline?.box
    const told = { track, stream, frame, mediaTime, score: step.score, ...(box ? { box } : {}) }
    if (change === 'ended') messages.push({ type: 'track-ended', track, because: 'It was not seen for longer than a lost track is kept.' })
    else if (change) messages.push({ type: `track-${change}`, ...told })
    const perception: Perception = {
      track,
      task: 'track',
      score: step.score,
      life: this.life.state,
      ...(step.outline ? { box: step.outline.box, mask: step.outline.mask } : {}),
    }
    return { perception, messages }
  }
}

/** Steps every track of a stream through one frame, in as few runs as there are kinds of prompt. */
export async function stepTracks(
  tracker: MaskTracker,
  tracks: readonly Track[],
  scene: Scene,
  frame: TrackFrame,
): Promise<{ perceptions: Perception[]; messages: FromBackend[] }> {
  const stepping = tracks.filter((track) => track.takes(frame.mediaTime))
  const fresh = new Set(stepping.filter((track) => !track.followed))
  await pointOut(tracker, [...fresh], scene)
  const followed = stepping.flatMap((track) => (track.followed ? [{ track, object: track.followed }] : []))
  const steps = await tracker.look(
    scene,
    followed.map(({ object }) => object),
    frame,
  )
  const perceptions: Perception[] = []
  const messages: FromBackend[] = []
  const seen: { object: Followed; step: Step; prompted: boolean }[] = []
  followed.forEach(({ track, object }, index) => {
    const step = steps[index]
    if (!step) return
    const result = track.advance(step, frame)
    perceptions.push(result.perception)
    messages.push(...result.messages)
    const prompted = fresh.has(track)
    // A phrase that is not in view yet has not been pointed out: it is tried again on the next frame.
    if (prompted && !step.outline) track.followed = undefined
    else seen.push({ object, step, prompted })
  })
  await tracker.remember(scene, seen)
  return { perceptions, messages }
}

/** Starts a track from what was pointed out on a kept frame: a box, points or a mask. */
export async function pointOnFrame(
  tracker: MaskTracker,
  track: Track,
  scene: Scene,
  frame: TrackFrame,
): Promise<{ perceptions: Perception[]; messages: FromBackend[] }> {
  const { prompt } = track.body
  if ('query' in prompt) throw new Error('A phrase is compiled, not pointed out on a frame.')
  const [tokens] = await tracker.prompt(scene, 'mask' in prompt ? tracker.fromMask(prompt.mask) : prompt)
  if (!tokens) throw new ProtocolError('internal', 'The prompt gave no object.')
  track.followed = tracker.begin(tokens)
  const [step] = await tracker.look(scene, [track.followed], frame)
  if (!step) throw new ProtocolError('internal', 'The prompt gave no step.')
  await tracker.remember(scene, [{ object: track.followed, step, prompted: true }])
  const result = track.advance(step, frame)
  return { perceptions: [result.perception], messages: result.messages }
}

async function pointOut(tracker: MaskTracker, tracks: readonly Track[], scene: Scene): Promise<void> {
  const phrases = tracks.flatMap((track) => (track.state ? [{ track, state: track.state }] : []))
  if (phrases.length === 0) return
  const tokens = await tracker.prompt(scene, { states: stack(phrases.map(({ state }) => state)) })
  phrases.forEach(({ track }, index) => {
    const prompt = tokens[index]
    if (prompt) track.followed = tracker.begin(prompt)
  })
}
