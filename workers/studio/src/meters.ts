import { byId } from './element.ts'
import type { Rate } from './rate.ts'
import { span } from './time-text.ts'

/** The live numbers of the header: how old what is drawn is, how many frames a second are seen, how many were let go. */
export class Meters {
  readonly #age = byId('meter-age', HTMLElement)
  readonly #seen = byId('meter-seen', HTMLElement)
  readonly #dropped = byId('meter-dropped', HTMLElement)

  show({ ageMs, seen, dropped }: { ageMs: number | undefined; seen: Rate; dropped: number | undefined }): void {
    const rate = seen.perSecond
    this.#age.textContent = ageMs === undefined || rate === 0 ? '–' : span(ageMs)
    this.#seen.textContent = rate === 0 ? '–' : `${rate < 9.95 ? rate.toFixed(1) : Math.round(rate)} fps`
    this.#dropped.textContent = dropped === undefined ? '–' : String(dropped)
  }
}
