import { AsyncQueue } from './async-queue.ts'

/** One publisher, any number of `for await` loops, each with its own bounded queue. A loop begins with the latest value, if there is one. */
export class Broadcast<T> implements AsyncIterable<T> {
  readonly #limit: number
  readonly #queues = new Set<AsyncQueue<T>>()
  #last: T | undefined
  #ended: { error?: Error } | undefined

  constructor({ limit }: { limit: number }) {
    this.#limit = limit
  }

  get last(): T | undefined {
    return this.#last
  }

  publish(value: T): void {
    if (this.#ended) return
    this.#last = value
    for (const queue of this.#queues) queue.push(value)
  }

  end(error?: Error): void {
    this.#ended ??= error ? { error } : {}
    for (const queue of this.#queues) queue.end(error)
    this.#queues.clear()
  }

  subscribe({ limit = this.#limit, fromLast = false }: { limit?: number; fromLast?: boolean } = {}): AsyncQueue<T> {
    const queue: AsyncQueue<T> = new AsyncQueue<T>({ limit, onReturn: () => this.#queues.delete(queue) })
    if (fromLast && this.#last !== undefined) queue.push(this.#last)
    if (this.#ended) queue.end(this.#ended.error)
    else this.#queues.add(queue)
    return queue
  }

  [Symbol.asyncIterator](): AsyncQueue<T> {
    return this.subscribe({ fromLast: true })
  }
}
