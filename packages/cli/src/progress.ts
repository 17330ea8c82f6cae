const QUIET_MS = 2000
const LINE_EVERY_MS = 5000

/** Says on stderr what is going on, once it has taken longer than 2 s: one line that changes on a terminal, a line now and then elsewhere. */
export class Progress {
  readonly #label: string
  readonly #startedAt = Date.now()
  readonly #timer: NodeJS.Timeout
  #detail = ''
  #shown = false
  #lastLineAt = 0

  constructor(label: string) {
    this.#label = label
    this.#timer = setInterval(() => this.#show(), 250)
    this.#timer.unref()
  }

  update(detail: string): void {
    this.#detail = detail
  }

  done(): void {
    clearInterval(this.#timer)
    if (this.#shown && process.stderr.isTTY) process.stderr.write('\r\x1b[K')
    this.#shown = false
  }

  [Symbol.dispose](): void {
    this.done()
  }

  #show(): void {
    const elapsed = Date.now() - this.#startedAt
    if (elapsed < QUIET_MS) return
    const text = `${this.#label} ${(elapsed / 1000).toFixed(0)} s${this.#detail ? ` · ${this.#detail}` : ''}`
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
    else if (Date.now() - this.#lastLineAt >= LINE_EVERY_MS) {
      this.#lastLineAt = Date.now()
      process.stderr.write(`${text}\n`)
    }
    this.#shown = true
  }
}
