/** Values from a pusher to one `for await` loop. It holds at most `limit`; then the oldest goes, so a slow reader sees the newest. */
export class AsyncQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #limit: number
  readonly #onReturn: () => void
  #values: T[] = []
  #waiting: { resolve: (result: IteratorResult<T, undefined>) => void; reject: (error: unknown) => void }[] = []
  #end: { error?: Error } | undefined

  constructor({ limit = Infinity, onReturn = () => {} }: { limit?: number; onReturn?: () => void } = {}) {
    this.#limit = limit
    this.#onReturn = onReturn
  }

  push(value: T): void {
    if (this.#end) return
    const reader = this.#waiting.shift()
    if (reader) return reader.resolve({ done: false, value })
    this.#values.push(value)
    if (this.#values.length > this.#limit) this.#values.shift()
  }

  /** No more values; with an error, the reader gets it after the values that wait. */
  end(error?: Error): void {
    if (this.#end) return
    this.#end = error ? { error } : {}
    for (const reader of this.#waiting.splice(0)) {
      if (error) reader.reject(error)
      else reader.resolve({ done: true, value: undefined })
    }
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#values.shift()
    if (value !== undefined) return Promise.resolve({ done: false, value })
    if (this.#end?.error) return Promise.reject(this.#end.error)
    if (this.#end) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#values = []
    this.end()
    this.#onReturn()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
