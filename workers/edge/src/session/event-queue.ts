const LIMIT = 1000

/** Values from callbacks, read by `for await`. A reader who falls a thousand behind loses the oldest. */
export class EventQueue<Value> implements AsyncIterable<Value> {
  readonly ended: Promise<void>
  readonly #values: Value[] = []
  readonly #wake = new Set<() => void>()
  #state: { name: 'open' } | { name: 'ended' } | { name: 'failed'; error: unknown } = { name: 'open' }
  #resolveEnded: () => void = () => undefined

  constructor() {
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve))
  }

  push(value: Value): void {
    if (this.#state.name !== 'open') return
    this.#values.push(value)
    if (this.#values.length > LIMIT) this.#values.shift()
    this.#rouse()
  }

  end(): void {
    if (this.#state.name === 'open') this.#state = { name: 'ended' }
    this.#rouse()
    this.#resolveEnded()
  }

  fail(error: unknown): void {
    this.#state = { name: 'failed', error }
    this.#rouse()
    this.#resolveEnded()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Value> {
    for (;;) {
      const [value] = this.#values.splice(0, 1)
      if (value !== undefined) yield value
      else if (this.#state.name === 'ended') return
      else if (this.#state.name === 'failed') throw this.#state.error
      else await new Promise<void>((resolve) => this.#wake.add(resolve))
    }
  }

  #rouse(): void {
    for (const resolve of this.#wake) resolve()
    this.#wake.clear()
  }
}
