import type { Usage } from '@fovea/protocol'

export type UsageDelta = { frames: number; asks: number; promptTokens: number; answerTokens: number; heads: number; deviceMs: number }

const EVERY_MS = 60_000
const nothing = (): UsageDelta => ({ frames: 0, asks: 0, promptTokens: 0, answerTokens: 0, heads: 0, deviceMs: 0 })

/** What a session has used since the catalogue was told: told once a minute and at the end, never per frame. */
export class UsageCount {
  #count = nothing()
  #toldAt: number
  readonly #tell: (delta: UsageDelta) => void

  constructor(now: number, tell: (delta: UsageDelta) => void) {
    this.#toldAt = now
    this.#tell = tell
  }

  addAsk(usage: Usage): void {
    this.#count.asks++
    this.#count.promptTokens += usage.promptTokens
    this.#count.answerTokens += usage.answerTokens
    this.#count.heads += usage.heads
    this.#count.deviceMs += Math.round(usage.deviceMs)
  }

  due(now: number): boolean {
    if (now - this.#toldAt < EVERY_MS) return false
    this.#toldAt = now
    return true
  }

  flush(frames: number): void {
    const delta = { ...this.#count, frames }
    this.#count = nothing()
    if (delta.frames > 0 || delta.asks > 0) this.#tell(delta)
  }
}
