import { boxIou, type Box, type FrameSeen, type Perception, type Rle, type TrackLife } from '@fovea/protocol'
import { Motion } from './motion.ts'

/** One thing to draw: `of` is the watch or track it belongs to, `key` is the same from frame to frame. */
export type Shape = {
  key: string
  of: string
  kind: 'watch' | 'track'
  box: Box
  /** where the last verdict put it */
  told: Box
  score: number
  alpha: number
  life: TrackLife | undefined
  mask: { rle: Rle; box: Box } | undefined
  trail: readonly (readonly [number, number])[]
}

type Thing = {
  key: string
  of: string
  kind: Shape['kind']
  motion: Motion
  score: number
  life: TrackLife | undefined
  mask: Shape['mask']
  trail: { at: number; centre: readonly [number, number] }[]
}

const FADE_MS = 220
const TRAIL_MS = 2500
const SAME_IOU = 0.15

/** Everything in view, from the verdicts: who is the same as in the last frame, where each is at any moment, and what has faded. */
export class Scene {
  #things: Thing[] = []
  #next = 1
  #lastAt = -Infinity
  /** Time between verdicts, a running mean: what is not told again fades after a little more than that. */
  #interval = 100

  take(seen: Pick<FrameSeen, 'mediaTime' | 'perceptions'>): void {
    const at = seen.mediaTime
    const gap = at - this.#lastAt
    if (gap > 0 && gap < 2000) this.#interval += (gap - this.#interval) * 0.2
    this.#lastAt = at
    for (const perception of seen.perceptions) this.#perceive(at, perception)
    this.#things = this.#things.filter((thing) => at - thing.motion.lastAt < 4 * this.#interval + FADE_MS)
  }

  /** A watch or track was stopped: it goes at once. */
  forget(of: string): void {
    this.#things = this.#things.filter((thing) => thing.of !== of)
  }

  clear(): void {
    this.#things = []
    this.#lastAt = -Infinity
  }

  shapesAt(time: number): Shape[] {
    return this.#things.flatMap(({ key, of, kind, motion, score, life, mask, trail }) => {
      // Verdicts come late by a hop or two; only what the newest verdict did not name begins to fade.
      const missedFor = Math.max(this.#lastAt - motion.lastAt, time - this.#lastAt - 2000)
      const alpha = 1 - Math.max(0, missedFor - this.#interval * 1.5) / FADE_MS
      if (alpha <= 0) return []
      return [
        {
          key,
          of,
          kind,
          box: motion.at(time),
          told: motion.lastBox,
          score,
          alpha: Math.min(1, alpha),
          life,
          mask,
          trail: trail.filter((step) => time - step.at < TRAIL_MS).map((step) => step.centre),
        },
      ]
    })
  }

  #perceive(at: number, perception: Perception): void {
    const { watch, track, life, mask } = perception
    if (track !== undefined) {
      const box = perception.box ?? perception.regions?.[0]?.box
      if (box) this.#tell({ key: `track:${track}`, of: track, kind: 'track', at, box, score: perception.score, life, mask })
      return
    }
    if (watch === undefined) return
    const regions = perception.regions ?? (perception.box ? [{ box: perception.box, score: perception.score }] : [])
    const taken = new Set<string>()
    for (const region of regions) {
      const key = region.track === undefined ? this.#sameAs(watch, at, region.box, taken) : `watch:${watch}:${region.track}`
      taken.add(key)
      this.#tell({ key, of: watch, kind: 'watch', at, box: region.box, score: region.score, life: undefined, mask: regions.length === 1 ? mask : undefined })
    }
  }

  /** The thing of this watch that overlaps most and is still free, or a new one. */
  #sameAs(watch: string, at: number, box: Box, taken: ReadonlySet<string>): string {
    let best: { key: string; iou: number } | undefined
    for (const thing of this.#things) {
      if (thing.of !== watch || taken.has(thing.key)) continue
      const iou = Math.max(boxIou(thing.motion.at(at), box), boxIou(thing.motion.lastBox, box))
      if (iou >= SAME_IOU && iou > (best?.iou ?? 0)) best = { key: thing.key, iou }
    }
    return best?.key ?? `watch:${watch}:${this.#next++}`
  }

  #tell({
    key,
    of,
    kind,
    at,
    box,
    score,
    life,
    mask,
  }: {
    key: string
    of: string
    kind: Shape['kind']
    at: number
    box: Box
    score: number
    life: TrackLife | undefined
    mask: Rle | undefined
  }): void {
    let thing = this.#things.find((one) => one.key === key)
    if (thing) thing.motion.tell(at, box)
    else {
      thing = { key, of, kind, motion: new Motion(at, box), score, life, mask: undefined, trail: [] }
      this.#things.push(thing)
    }
    thing.score = score
    thing.life = life
    thing.mask = mask ? { rle: mask, box } : undefined
    if (kind === 'track') {
      thing.trail.push({ at, centre: [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] })
      while (thing.trail[0] && at - thing.trail[0].at > TRAIL_MS) thing.trail.shift()
    }
  }
}
