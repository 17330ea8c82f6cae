/** A promise with its ends in hand. Promise.withResolvers is younger than Node 20. */
export class Deferred<T> {
  readonly promise: Promise<T>
  resolve!: (value: T) => void
  reject!: (error: Error) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Whoever does not wait for it must not be told of a rejection by a crash.
    this.promise.catch(() => {})
  }
}
