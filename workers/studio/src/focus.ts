import type { Evidence } from '@fovea/protocol'
import type { ColourBook } from './colours.ts'
import type { KeptFrame, KeptFrames } from './kept-frames.ts'
import type { Lane, Stretch } from './lanes.ts'
import { evidenceMarks } from './marks.ts'
import type { Mark } from './overlay.ts'
import { clock, span } from './time-text.ts'

type Options = {
  colours: ColourBook
  kept: KeptFrames
  now: () => number
  evidence: (id: string) => Evidence | undefined
  /** the stream that is on the stage: only its frames are kept here */
  stream: () => number | undefined
  /** a frame that is no longer kept here, from the backend; undefined where it is gone there too */
  fetch: (evidence: Evidence) => Promise<KeptFrame | undefined>
  freeze: (frame: KeptFrame, label: string) => void
  live: () => void
}
type Shown = { ids: readonly string[]; marks: Mark[]; frame: number | undefined }

/** What is being pointed at, or was found just now: the picture holds the very frame that a piece of evidence came from, with what it shows drawn on it. */
export class Focus {
  readonly #options: Options
  #pointed: Shown | undefined
  #pinned: Shown | undefined
  #newest: Shown | undefined
  #newestOver: ReturnType<typeof setTimeout> | undefined
  #held: KeptFrame | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** Drawn in place of what stands; undefined while nothing is pointed at. */
  get marks(): readonly Mark[] | undefined {
    return this.#shown?.marks
  }

  /** The frame that is held, by the number it was sent under. */
  get frame(): number | undefined {
    return this.#shown?.frame
  }

  get pinned(): readonly string[] {
    return this.#pinned?.ids ?? []
  }

  /** These are pointed at; none: no longer. */
  point(ids: readonly string[]): void {
    this.#pointed = this.#shownOf(ids)
    this.#show()
  }

  /** What was found just now is shown without being pointed at: for so long, or until something else is. */
  present(evidence: readonly Evidence[], { forMs }: { forMs: number | undefined }): void {
    clearTimeout(this.#newestOver)
    const drawn = evidence.filter((one) => evidenceMarks(one, this.#options.colours).length > 0)
    const moments = evidence.filter(({ spans }) => (spans?.length ?? 0) > 0)
    const shown = this.#shownOf([...drawn, ...moments].map(({ id }) => id))
    this.#newest = shown
    if (shown && forMs !== undefined) {
      this.#newestOver = setTimeout(() => {
        this.#newest = undefined
        this.#show()
      }, forMs)
    }
    this.#show()
  }

  /** The words that say how old the held frame is go on. */
  refresh(): void {
    if (this.#held && this.#shown) this.#options.freeze(this.#held, this.#age(this.#held))
  }

  /** Stays shown until it is pinned again, another is, or everything is let go. */
  pin(id: string): void {
    this.#pinned = this.#pinned?.ids.includes(id) ? undefined : this.#shownOf([id])
    if (!this.#pinned) this.#pointed = undefined
    this.#newest = undefined
    this.#show()
  }

  /** A moment of the timeline is pointed at. */
  pointStretch(lane: Lane | undefined, stretch: Stretch | undefined): void {
    if (!lane || stretch?.kind !== 'moment') return this.point([])
    const frame = this.#options.kept.at((stretch.from + stretch.to) / 2)
    this.#pointed = undefined
    this.#newest = undefined
    this.#held = undefined
    if (frame) this.#options.freeze(frame, `${lane.title} · ${clock(frame.mediaTime)}`)
    else this.#show()
  }

  /** Back to the live picture. False where nobody had asked for another. */
  release(): boolean {
    const held = this.#pinned !== undefined || this.#pointed !== undefined
    this.#pinned = undefined
    this.#pointed = undefined
    this.#newest = undefined
    this.#show()
    return held
  }

  get #shown(): Shown | undefined {
    return this.#pointed ?? this.#pinned ?? this.#newest
  }

  #shownOf(ids: readonly string[]): Shown | undefined {
    const evidence = ids.flatMap((id) => this.#options.evidence(id) ?? [])
    const [first] = evidence
    if (!first) return undefined
    return { ids, frame: first.frame, marks: evidence.filter((one) => one.frame === first.frame).flatMap((one) => evidenceMarks(one, this.#options.colours)) }
  }

  #show(): void {
    const shown = this.#shown
    this.#held = undefined
    const first = shown && this.#options.evidence(shown.ids[0] ?? '')
    if (!first) return this.#options.live()
    if (first.stream !== this.#options.stream()) return void this.#fetch(shown, first)
    const moment = first.spans?.[0]
    const frame = this.#options.kept.at(moment ? (moment.start + moment.end) / 2 : first.mediaTime)
    if (!frame) return void this.#fetch(shown, first)
    this.#held = frame
    this.#options.freeze(frame, this.#age(frame))
  }

  #age({ mediaTime }: KeptFrame): string {
    const ago = this.#options.now() - mediaTime
    return `${clock(mediaTime)} · ${ago < 1000 ? 'just now' : `${span(ago)} ago`}`
  }

  async #fetch(shown: Shown, evidence: Evidence): Promise<void> {
    this.#options.live()
    const frame = await this.#options.fetch(evidence)
    // Asking took a moment: by now something else may be pointed at.
    if (frame && shown === this.#shown) this.#options.freeze(frame, `${clock(evidence.mediaTime)} · from the backend`)
  }
}
