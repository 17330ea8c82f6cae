import type { TrackLife } from '@fovea/protocol'

export type LifeRules = { confirmAfter: number; loseAfter: number; findAfter: number; ttlMs: number }
export const DEFAULT_LIFE: LifeRules = { confirmAfter: 2, loseAfter: 3, findAfter: 1, ttlMs: 60_000 }
export type LifeChange = 'confirmed' | 'lost' | 'found' | 'ended'

/**
 * The life of a track [TR2]: tentative → confirmed → lost → found … → ended. A sighting or a miss alone changes little; a few in a row do. A track
 * that nobody has seen for its time to live ends.
 */
export class Life {
  readonly #rules: LifeRules
  #state: TrackLife = 'tentative'
  #seen = 0
  #missed = 0
  #lastSeen: number | undefined
  #begun: number | undefined

  constructor(rules: LifeRules = DEFAULT_LIFE) {
    this.#rules = rules
  }

  get state(): TrackLife {
    return this.#state
  }

  /** One frame more. Returns the change, if there is one. */
  step(present: boolean, mediaTime: number): LifeChange | undefined {
    if (this.#state === 'ended') return undefined
    this.#begun ??= mediaTime
    if (present) {
      this.#seen++
      this.#missed = 0
      this.#lastSeen = mediaTime
    } else {
      this.#missed++
      this.#seen = 0
    }
    return this.#change(mediaTime)
  }

  #change(mediaTime: number): LifeChange | undefined {
    const { confirmAfter, loseAfter, findAfter, ttlMs } = this.#rules
    switch (this.#state) {
      case 'tentative':
        if (this.#seen >= confirmAfter) return this.#to('confirmed')
        return this.#silent(mediaTime) > ttlMs ? this.#to('ended') : undefined
      case 'confirmed':
      case 'found':
        return this.#missed >= loseAfter ? this.#to('lost') : undefined
      case 'lost':
        if (this.#seen >= findAfter) return this.#to('found')
        return this.#silent(mediaTime) > ttlMs ? this.#to('ended') : undefined
      case 'ended':
        return undefined
    }
  }

  #silent(mediaTime: number): number {
    return mediaTime - (this.#lastSeen ?? this.#begun ?? mediaTime)
  }

  #to(change: LifeChange): LifeChange {
    this.#state = change
    return change
  }
}
