/** What was sent on a socket and its reader has not told to have read: sizes, oldest first [FR7]. */
export class Unread {
  readonly #sizes: number[] = []
  #read = 0
  #bytes = 0
  /** false until the first count after a sleep: how many messages this socket had read before is not known */
  #counted: boolean

  constructor({ counted }: { counted: boolean }) {
    this.#counted = counted
  }

  get messages(): number {
    return this.#sizes.length
  }

  get bytes(): number {
    return this.#bytes
  }

  sent(size: number): void {
    this.#sizes.push(size)
    this.#bytes += size
  }

  /** The reader has read so many messages since its socket opened; true where that is more than it had told before. */
  read(messages: number): boolean {
    if (!this.#counted) this.#read = Math.max(0, messages - this.#sizes.length)
    this.#counted = true
    const read = this.#sizes.splice(0, Math.max(0, messages - this.#read))
    for (const size of read) this.#bytes -= size
    this.#read += read.length
    return read.length > 0
  }
}
