import type { Evidence, FrameSeen, SessionEvent, SessionReset, TrackLife, TrackPrompt, WatchBody } from '@fovea/protocol'
import { isLoss } from './loss.ts'

/** A stretch of media time in a lane. `open` while it still goes on. */
export type Stretch = { from: number; to: number; open: boolean; strength: number; kind: 'seen' | 'lost' | 'gap' | 'moment' }

/** One row of the timeline: a watch, a track, or a question whose answer named moments. */
export type Lane = {
  id: string
  kind: 'watch' | 'track' | 'moment'
  /** what its colour is kept under */
  colour: string
  title: string
  task: 'region' | 'mask' | 'track' | 'moment'
  state: 'compiling' | 'waiting' | 'standing' | 'asked-again' | TrackLife | 'done'
  score: number | undefined
  because: string | undefined
  stretches: Stretch[]
  saliency: Evidence['saliency']
  evidence: string | undefined
}

/** Verdicts further apart than this leave a hole in a lane rather than a claim. */
const JOIN_MS = 700
/** … or further than this many of the usual gaps, where frames are seen slowly. */
const JOIN_GAPS = 2.5
const MOST_STRETCHES = 400

/** The rows of the timeline, from events and verdicts alone. A new stream starts a new time line, so its lanes start empty. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  #seenAt: number | undefined
  #gap = 100

  get all(): readonly Lane[] {
    return [...this.#lanes.values()]
  }

  get(id: string): Lane | undefined {
    return this.#lanes.get(id)
  }

  remove(id: string): void {
    this.#lanes.delete(id)
  }

  /** Another picture is shown: what stood on the last one has ended. */
  clear(): void {
    this.#lanes.clear()
    this.#seenAt = undefined
  }

  see({ mediaTime, perceptions }: Pick<FrameSeen, 'mediaTime' | 'perceptions'>): void {
    const gap = mediaTime - (this.#seenAt ?? mediaTime)
    if (gap > 0 && gap < 5000) this.#gap += (gap - this.#gap) * 0.2
    this.#seenAt = mediaTime
    for (const perception of perceptions) {
      const lane = this.#lanes.get(perception.watch ?? perception.track ?? '')
      if (!lane) continue
      lane.score = perception.score
      if (perception.life) lane.state = perception.life
      const there =
        lane.kind === 'track'
          ? perception.life !== 'lost' && perception.box !== undefined
          : (perception.regions?.length ?? 0) > 0 || perception.box !== undefined
      if (there) extend(lane, mediaTime, perception.score, Math.max(JOIN_MS, JOIN_GAPS * this.#gap))
      else close(lane)
    }
  }

  take(event: SessionEvent): Lane | undefined {
    switch (event.type) {
      case 'watch-started':
        return this.#open({
          id: event.watch,
          kind: 'watch',
          colour: event.query,
          title: event.query,
          task: event.task,
          state: event.standing ? 'standing' : 'asked-again',
        })
      case 'watch-stopped':
        return isLoss(event.error)
          ? this.#rest(event.watch, 'waiting', 'waits for the model')
          : this.#rest(event.watch, 'ended', event.error?.message ?? event.because)
      case 'track-started':
        return this.#open({ id: event.track, kind: 'track', colour: event.track, title: promptTitle(event.prompt), task: 'track', state: 'tentative' })
      case 'track-confirmed':
      case 'track-found':
        return this.#step(event.track, 'confirmed')
      case 'track-lost':
        return this.#step(event.track, 'lost')
      case 'track-gap': {
        const lane = this.#lanes.get(event.track)
        lane?.stretches.push({ from: event.from, to: event.to, open: false, strength: 1, kind: 'gap' })
        return lane
      }
      case 'track-ended':
        return this.#rest(event.track, 'ended', event.error?.message ?? event.because)
      case 'head-result':
        return event.evidence.spans ? this.#moment(event.evidence) : undefined
      default:
        return undefined
    }
  }

  /** A watch was asked for, and the edge has not yet said that it stands. */
  expect({ watch, query, task }: Pick<WatchBody, 'watch' | 'query' | 'task'>): void {
    this.#open({ id: watch, kind: 'watch', colour: query, title: query, task, state: 'compiling' })
  }

  /** What stood under one id stands under another: its row goes on. */
  rename(before: string, now: string): void {
    const lane = this.#lanes.get(before)
    this.#lanes.delete(before)
    if (lane) this.#lanes.set(now, { ...lane, id: now, state: 'compiling', score: undefined, because: undefined })
  }

  /** Only watches, and they wait: no picture is shown. */
  wait(watches: Readonly<SessionReset['state']['watches']>): void {
    this.clear()
    for (const { watch, query, task } of watches)
      this.#open({ id: watch, kind: 'watch', colour: query, title: query, task, state: 'waiting' }).because = 'waits for a picture'
  }

  /** What stands, told anew by the edge when the log no longer reaches back [EV2]. */
  reset({ watches, tracks }: SessionReset['state']): void {
    for (const { watch, query, task } of watches) this.#open({ id: watch, kind: 'watch', colour: query, title: query, task, state: 'standing' })
    for (const { track, prompt, life } of tracks)
      this.#open({ id: track, kind: 'track', colour: track, title: promptTitle(prompt), task: 'track', state: life })
  }

  #open(start: Pick<Lane, 'id' | 'kind' | 'colour' | 'title' | 'task' | 'state'>): Lane {
    const known = this.#lanes.get(start.id)
    if (known) return Object.assign(known, start)
    const lane: Lane = { score: undefined, because: undefined, stretches: [], saliency: undefined, evidence: undefined, ...start }
    this.#lanes.set(lane.id, lane)
    return lane
  }

  #step(track: string, state: TrackLife): Lane | undefined {
    const lane = this.#lanes.get(track)
    if (!lane) return undefined
    lane.state = state
    if (state === 'lost') close(lane)
    return lane
  }

  #rest(id: string, state: 'ended' | 'waiting', because: string): Lane | undefined {
    const lane = this.#lanes.get(id)
    if (!lane) return undefined
    lane.state = state
    lane.because = because
    close(lane)
    return lane
  }

  #moment(evidence: Evidence): Lane {
    const lane = this.#open({ id: evidence.id, kind: 'moment', colour: evidence.query, title: evidence.query, task: 'moment', state: 'done' })
    lane.score = evidence.score
    lane.saliency = evidence.saliency
    lane.evidence = evidence.id
    lane.stretches = (evidence.spans ?? []).map((span) => ({ from: span.start, to: span.end, open: false, strength: span.score, kind: 'moment' }))
    return lane
  }
}

/** What a track was started from, in words. */
export function promptTitle(prompt: TrackPrompt): string {
  if ('query' in prompt) return prompt.query
  if ('box' in prompt) return 'Drawn box'
  if ('points' in prompt) return 'Picked point'
  return 'Outline'
}

function extend(lane: Lane, at: number, strength: number, join: number): void {
  const last = lane.stretches.at(-1)
  if (last?.open && at - last.to <= join && at >= last.to) {
    last.to = at
    last.strength += (strength - last.strength) * 0.3
    return
  }
  if (last) last.open = false
  lane.stretches.push({ from: at, to: at, open: true, strength, kind: 'seen' })
  if (lane.stretches.length > MOST_STRETCHES) lane.stretches.shift()
}

function close(lane: Lane): void {
  const last = lane.stretches.at(-1)
  if (last) last.open = false
}

/** Rows are over the time of the picture that is shown; what a replay tells of other streams has no place on it. */
export function isOfStream(event: SessionEvent, stream: number | undefined): boolean {
  if ('stream' in event) return event.stream === stream
  return event.type === 'head-result' ? event.evidence.stream === stream : true
}
