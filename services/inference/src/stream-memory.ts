import { isRange, ProtocolError, sampleFrames, type AskAt, type Sampling, type StreamBody } from '@fovea/protocol'
import { surveyRanges } from './asks/survey.ts'
import type { Scene } from './heads/head.ts'
import { DEFAULT_RING, PictureRing, type RingEntry } from './picture-ring.ts'
import type { FrameArrived } from './thread-message.ts'

/** A frame of the ring, with what the model made of it. Features are kept for the newest frames only; they can be made again from the picture. */
export type Kept = RingEntry & { receivedAt: number; width: number; height: number; visual?: Scene['visual']; scene?: Scene; pixels?: Uint8Array }

/** What the model thread remembers of one stream: the ring, and which frames are still on their way. */
export class StreamMemory {
  readonly body: StreamBody
  readonly ring: PictureRing<Kept>
  readonly #featureFrames: number
  readonly #featureBytes: number
  readonly #pending = new Map<number, (() => void)[]>()

  constructor(body: StreamBody, { ringBytes, featureFrames }: { ringBytes: number; featureFrames: number }) {
    this.body = body
    this.ring = new PictureRing(body.policy, { ...DEFAULT_RING, bytes: ringBytes })
    this.#featureFrames = featureFrames
    // Features count with the pictures; they never take more than half of what a stream may keep.
    this.#featureBytes = ringBytes / 2
  }

  /** A frame is on its way to the encoder. */
  expect(frame: number): void {
    this.#pending.set(frame, [])
  }

  /** Its verdict is known: those who waited for it go on. */
  settle(frame: number): void {
    const waiting = this.#pending.get(frame)
    this.#pending.delete(frame)
    for (const resume of waiting ?? []) resume()
  }

  /** Resolves when every frame that came before this moment has its verdict: what was sent first is seen first. */
  async caughtUp(): Promise<void> {
    await Promise.all([...this.#pending.values()].map((waiting) => new Promise<void>((resolve) => waiting.push(resolve))))
  }

  /** Keeps a seen frame; returns the numbers of those let go for it. */
  keep({ frame, mediaTime, receivedAt, keep, bytes, width, height }: FrameArrived, scene: Scene, pixels: Uint8Array | undefined): number[] {
    const kept: Kept = {
      frame,
      mediaTime,
      receivedAt,
      keep,
      width,
      height,
      scene,
      pixels,
      visual: scene.visual,
      bytes: bytes + scene.visual.data.byteLength + (pixels?.byteLength ?? 0) + featureBytes(scene),
    }
    this.#letFeaturesGo(featureBytes(scene))
    return this.ring.add(kept).map((entry) => entry.frame)
  }

  /** Before one more frame with features: the oldest ones lose theirs, which can be made again from their pictures. */
  #letFeaturesGo(coming: number): void {
    let frames = 1
    let bytes = coming
    for (const entry of this.ring.entries.toReversed()) {
      if (!entry.scene) continue
      const own = featureBytes(entry.scene)
      if (entry.keep || (frames < this.#featureFrames && bytes + own <= this.#featureBytes)) {
        frames += entry.keep ? 0 : 1
        bytes += own
      } else {
        this.ring.recharge(entry, entry.bytes - own)
        entry.scene = undefined
      }
    }
  }

  /** The frames an ask looks at, oldest first, and the one that its evidence is about: the last [AS7]. */
  look(at: AskAt, sampling: Sampling): { frames: Kept[]; last: Kept } {
    const entries = this.ring.entries
    const newest = this.ring.newest
    if (!newest) throw new ProtocolError('no-frame', `Stream ${this.body.stream} has no seen frame yet. Send a frame, then ask.`, { retryable: true })
    const chosen = sampleFrames(
      entries.map((entry) => entry.mediaTime),
      this.#target(at, newest),
      sampling,
    )
    const frames = chosen.flatMap((index) => entries[index] ?? [])
    return { frames, last: frames.at(-1) ?? newest }
  }

  /** What a clip that ends at a picture not yet kept is made of, oldest first [AS7]: kept frames, undefined where it is that picture itself. */
  leadingTo(mediaTime: number, sampling: Sampling): (Kept | undefined)[] {
    const before = this.ring.entries.filter((entry) => entry.mediaTime < mediaTime)
    const chosen = sampleFrames([...before.map((entry) => entry.mediaTime), mediaTime], { end: mediaTime }, sampling)
    return chosen.map((index) => before[index])
  }

  /** Of a range longer than the model sees at once, the frames of each of its windows [AS7]. */
  survey(at: AskAt, sampling: Sampling): Kept[][] {
    if (!isRange(at)) return []
    const entries = this.ring.entries
    const target = this.#target(at, this.frame(this.ring.newest?.frame ?? 0))
    if (!('from' in target)) return []
    const times = entries.map((entry) => entry.mediaTime)
    return surveyRanges(target, sampling).map((range) => sampleFrames(times, range, sampling).flatMap((index) => entries[index] ?? []))
  }

  /** A kept frame by number. */
  frame(number: number): Kept {
    const entry = this.ring.find(number)
    if (entry) return entry
    const { stream } = this.body
    if (this.ring.entries.length === 0)
      throw new ProtocolError('frame-gone', `Stream ${stream} has no seen frame yet, so frame ${number} is not kept. Send it first.`, { retryable: true })
    throw new ProtocolError('frame-gone', `Frame ${number} of stream ${stream} is not kept. Name one of the retained frames.`, {
      retained: this.#retained((kept) => kept.frame),
    })
  }

  /** Kept frames after one of them, oldest first; of more than `most`, that many evenly chosen, the newest among them. */
  after(kept: Kept, most: number): Kept[] {
    const later = this.ring.entries.filter((entry) => entry.mediaTime > kept.mediaTime)
    if (later.length <= most) return later
    return Array.from({ length: most }, (_, index) => later[Math.round(((index + 1) * later.length) / most) - 1]).filter((entry) => entry !== undefined)
  }

  #target(at: AskAt, newest: Kept): { end: number } | { from: number; to: number } {
    if (at === 'now') return { end: newest.mediaTime }
    if (!isRange(at)) return { end: this.frame(at.frame).mediaTime }
    const retained = this.#retained((kept) => kept.mediaTime)
    if (at.to < retained.from || at.from > retained.to) {
      throw new ProtocolError('frame-gone', `No kept frame lies between ${at.from} and ${at.to} ms. Ask about the retained range.`, { retained })
    }
    return { from: Math.max(at.from, retained.from), to: Math.min(at.to, retained.to) }
  }

  #retained(of: (kept: Kept) => number): { from: number; to: number } {
    const values = this.ring.entries.map(of)
    return { from: Math.min(...values), to: Math.max(...values) }
  }
}

function featureBytes({ features, pixels }: Scene): number {
  const tensors = Object.values(features).reduce((sum, tensor) => sum + (tensor && tensor.type !== 'device' ? tensor.data.byteLength : 0), 0)
  return tensors + (pixels?.data.byteLength ?? 0)
}
