/** Something to look at: what the page shows, and when its next picture is there. */
export interface Source {
  readonly title: string
  /** always the same picture */
  readonly isStill?: boolean
  readonly surface: HTMLVideoElement | HTMLCanvasElement
  size(): { width: number; height: number }
  /** Time of the picture that is shown, ms; undefined: the page's own clock will do */
  time(): number | undefined
  /** Resolves when a picture is there that was not there before, or when the source is closed. */
  next(signal: AbortSignal): Promise<void>
  /** Plays on or holds, where that is possible; says whether it plays now. */
  toggle?(): boolean
  close(): void
}
