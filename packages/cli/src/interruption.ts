const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Ctrl-C and its like, heard from now on. The same signal may come several times, to the whole group and again from the program
 * that started this one: the first ends what goes on, and none after it cuts that short.
 */
export class Interruption implements Disposable {
  readonly #abort = new AbortController()
  readonly #interrupt = () => this.#abort.abort()

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#interrupt)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Resolves when it has come. */
  get came(): Promise<void> {
    const { signal } = this.#abort
    return new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#interrupt)
  }
}
