import { boxIou, type Box, type FrameSeen, type Perception, type Region, type Rle, type TrackLife } from '@fovea/protocol'
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
/** Where frames are few, a thing may leave its old box behind: it is the same within this part of the picture. */
const NEAR = 0.3
/** What a verdict does not name may be named by the next: it waits so long at most before it fades. */
const GRACE_MS = 300

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
      const alpha = 1 - Math.max(0, missedFor - Math.min(GRACE_MS, this.#interval * 1.5)) / FADE_MS
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
    const keys = this.#identify(watch, at, regions)
    regions.forEach((region, index) =>
      this.#tell({
        key: keys[index] ?? '',
        of: watch,
        kind: 'watch',
        at,
        box: region.box,
        score: region.score,
        life: undefined,
        mask: regions.length === 1 ? mask : undefined,
      }),
    )
  }

  /** Who each box of a watch is: the thing it overlaps most, else one close by that no other box claims, else a new one. */
  #identify(watch: string, at: number, regions: readonly Region[]): string[] {
    const free = new Set(this.#things.filter((thing) => thing.of === watch))
    const keys = regions.map((region) => (region.track === undefined ? undefined : `watch:${watch}:${region.track}`))
    const claim = (closeness: (thing: Thing, box: Box) => number, least: number) => {
      const pairs = regions
        .flatMap(({ box }, index) => (keys[index] === undefined ? Array.from(free, (thing) => ({ index, thing, closeness: closeness(thing, box) })) : []))
        .filter((pair) => pair.closeness >= least)
        .toSorted((a, b) => b.closeness - a.closeness)
      for (const { index, thing } of pairs) if (keys[index] === undefined && free.delete(thing)) keys[index] = thing.key
    }
    claim(({ motion }, box) => Math.max(boxIou(motion.at(at), box), boxIou(motion.lastBox, box)), SAME_IOU)
    claim(({ motion }, box) => -distance(motion.lastBox, box), -NEAR)
    return keys.map((key) => key ?? `watch:${watch}:${this.#next++}`)
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

/** Between the centres of two boxes, in parts of the picture. */
function distance(a: Box, b: Box): number {
  return Math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3]) / 2
}
