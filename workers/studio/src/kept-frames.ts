export type KeptFrame = { mediaTime: number; width: number; height: number; picture: Blob }

/** Newest frames are all kept, older ones thinned to this spacing, like the backend's own ring [FR8]. */
const FRESH_MS = 2000
const SPACING_MS = 200

/**
 * The pictures that were sent, as long as somebody may want to look at them again: evidence is drawn over the very frame it
 * came from, without asking the edge for a picture this page has made itself.
 */
export class KeptFrames {
  readonly #most: number
  #frames: KeptFrame[] = []
  readonly #held = new Set<KeptFrame>()

  constructor(most = 300) {
    this.#most = most
  }

  get size(): number {
    return this.#frames.length
  }

  keep(frame: KeptFrame): void {
    this.#frames.push(frame)
    const freshFrom = frame.mediaTime - FRESH_MS
    let last = -Infinity
    this.#frames = this.#frames.filter((one) => {
      const { mediaTime } = one
      if (mediaTime < freshFrom && mediaTime - last < SPACING_MS && !this.#held.has(one)) return false
      last = mediaTime
      return true
    })
    while (this.#frames.length > this.#most) {
      const gone = this.#frames.shift()
      if (gone) this.#held.delete(gone)
    }
  }

  /** Something was said about the frame of this moment: it is not thinned out. */
  hold(mediaTime: number): void {
    const frame = this.at(mediaTime)
    if (frame) this.#held.add(frame)
  }

  /** The frame of this moment, or the nearest where that one was thinned out. */
  at(mediaTime: number): KeptFrame | undefined {
    let best: KeptFrame | undefined
    for (const frame of this.#frames) {
      if (!best || Math.abs(frame.mediaTime - mediaTime) < Math.abs(best.mediaTime - mediaTime)) best = frame
    }
    return best && Math.abs(best.mediaTime - mediaTime) <= SPACING_MS ? best : undefined
  }

  clear(): void {
    this.#frames = []
    this.#held.clear()
  }
}
