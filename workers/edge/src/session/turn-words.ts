/** A message this often at most while a model speaks: twenty a second [EV1]. */
const EVERY_MS = 50

type Options = { write: (text: string, from: number) => void; now: () => number; limit: number }

/**
 * The words of a turn on their way into the log: the first at once, then what has gathered, when the next word comes after its time.
 * No timer waits for it [SE5]; whoever writes another event of the turn flushes first.
 */
export class TurnWords {
  readonly #write: Options['write']
  readonly #now: () => number
  readonly #limit: number
  #from = 0
  #waiting = ''
  #last = -Infinity

  constructor({ write, now, limit }: Options) {
    this.#write = write
    this.#now = now
    this.#limit = limit
  }

  /** Words that stand at `from` in the reply; those of another reply, or of the same one begun anew, stand at 0. */
  add(text: string, from: number): void {
    if (from !== this.#from + this.#waiting.length) {
      this.flush()
      this.#from = from
    }
    this.#waiting += text.slice(0, Math.max(0, this.#limit - from))
    if (this.#now() - this.#last >= EVERY_MS) this.flush()
  }

  flush(): void {
    if (this.#waiting === '') return
    this.#write(this.#waiting, this.#from)
    this.#from += this.#waiting.length
    this.#waiting = ''
    this.#last = this.#now()
  }
}
