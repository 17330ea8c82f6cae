import type { StreamPolicy } from '@fovea/protocol'

export type RingEntry = { frame: number; mediaTime: number; bytes: number; keep: boolean }
export type RingLimits = { frames: number; bytes: number; recentMs: number; thinnedMs: number }

export const DEFAULT_RING: RingLimits = { frames: 128, bytes: 48 * 1024 * 1024, recentMs: 2000, thinnedMs: 200 }

/**
 * Which frames of a stream are kept [FR8]: live, every frame of the last two seconds and older ones 200 ms apart; of a file, the newest. Never
 * more than `frames`, never more than `bytes`; the one frame marked `keep` stays until another takes its place [FR5].
 */
export class PictureRing<Entry extends RingEntry> {
  readonly #policy: StreamPolicy
  readonly #limits: RingLimits
  #entries: Entry[] = []
  #bytes = 0

  constructor(policy: StreamPolicy, limits: RingLimits = DEFAULT_RING) {
    this.#policy = policy
    this.#limits = limits
  }

  get entries(): readonly Entry[] {
    return this.#entries
  }

  get bytes(): number {
    return this.#bytes
  }

  get newest(): Entry | undefined {
    return this.#entries.at(-1)
  }

  find(frame: number): Entry | undefined {
    return this.#entries.find((entry) => entry.frame === frame)
  }

  /** An entry takes other bytes than before. */
  recharge(entry: Entry, bytes: number): void {
    this.#bytes += bytes - entry.bytes
    entry.bytes = bytes
  }

  /** Adds the newest frame and returns the ones that are let go for it. */
  add(entry: Entry): Entry[] {
    const gone = new Set<Entry>()
    if (entry.keep) for (const other of this.#entries) if (other.keep) other.keep = false
    // Two sources may disagree about time; entries stay ordered by media time, and the later frame wins a tie.
    let at = this.#entries.length
    while (at > 0 && (this.#entries[at - 1]?.mediaTime ?? 0) > entry.mediaTime) at--
    this.#entries.splice(at, 0, entry)
    this.#bytes += entry.bytes
    if (this.#policy === 'latest') this.#thin(gone)
    for (const old of this.#entries) {
      const left = this.#entries.length - gone.size
      if (left <= 1 || (left <= this.#limits.frames && this.#bytesAfter(gone) <= this.#limits.bytes)) break
      if (!old.keep && old !== this.newest) gone.add(old)
    }
    if (gone.size > 0) {
      this.#bytes = this.#bytesAfter(gone)
      this.#entries = this.#entries.filter((each) => !gone.has(each))
    }
    return [...gone]
  }

  #thin(gone: Set<Entry>): void {
    const { recentMs, thinnedMs } = this.#limits
    const recent = (this.newest?.mediaTime ?? 0) - recentMs
    let last = -Infinity
    for (const entry of this.#entries) {
      if (entry.mediaTime >= recent) break
      if (entry.keep) continue
      if (Math.floor(entry.mediaTime / thinnedMs) === last) gone.add(entry)
      else last = Math.floor(entry.mediaTime / thinnedMs)
    }
  }

  #bytesAfter(gone: ReadonlySet<Entry>): number {
    let bytes = this.#bytes
    for (const entry of gone) bytes -= entry.bytes
    return bytes
  }
}
