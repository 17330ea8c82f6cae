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
    this.#frames = this.#frames.filter(({ mediaTime }) => {
      if (mediaTime < freshFrom && mediaTime - last < SPACING_MS) return false
      last = mediaTime
      return true
    })
    if (this.#frames.length > this.#most) this.#frames.splice(0, this.#frames.length - this.#most)
  }

  /** The frame of this moment, or the nearest within a tenth of a second. */
  at(mediaTime: number): KeptFrame | undefined {
    let best: KeptFrame | undefined
    for (const frame of this.#frames) {
      if (!best || Math.abs(frame.mediaTime - mediaTime) < Math.abs(best.mediaTime - mediaTime)) best = frame
    }
    return best && Math.abs(best.mediaTime - mediaTime) <= SPACING_MS / 2 ? best : undefined
  }

  clear(): void {
    this.#frames = []
  }
}
