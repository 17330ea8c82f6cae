import type { HeadTask } from '../heads/head.ts'

/** What reading an answer needs of a language model. */
export type Reader = { eos: number; phrase: number; maxNewTokens: number; taskOf(trigger: number): HeadTask | undefined; text(ids: readonly number[]): string }
/** What a token of the answer calls for. */
export type Reading =
  | { do: 'go-on' }
  | { do: 'look'; task: HeadTask; query: string; words?: [start: number, end: number] }
  | { do: 'end'; finish: 'stop' | 'length' }

/** Reads an answer token by token: words that are shown, phrases that a trigger grounds, triggers that make a head look. No model, no clock. */
export class Answer {
  readonly #reader: Reader
  readonly #asked: string
  readonly #words: number[] = []
  #shown = ''
  #phrase: { token: number; at: number } | undefined
  #tokens = 0

  constructor(reader: Reader, asked: string) {
    this.#reader = reader
    this.#asked = asked
  }

  /** The words so far, as a person reads them. */
  get text(): string {
    return this.#shown
  }

  get tokens(): number {
    return this.#tokens
  }

  read(token: number): Reading {
    const { eos, phrase, maxNewTokens } = this.#reader
    if (token === eos) return { do: 'end', finish: 'stop' }
    if (this.#tokens >= maxNewTokens) return { do: 'end', finish: 'length' }
    this.#tokens++
    if (token === phrase) {
      this.#phrase = { token: this.#words.length, at: this.#shown.length }
      return { do: 'go-on' }
    }
    const task = this.#reader.taskOf(token)
    if (task) return this.#trigger(task)
    this.#words.push(token)
    const text = this.#reader.text(this.#words)
    // Half of a character, where a token ends inside one, waits for its other half.
    if (!text.endsWith('\uFFFD')) this.#shown = text
    return { do: 'go-on' }
  }

  #trigger(task: HeadTask): Reading {
    const opened = this.#phrase
    this.#phrase = undefined
    if (!opened) return { do: 'look', task, query: this.#asked }
    const query = this.#reader.text(this.#words.slice(opened.token)).trim()
    if (query === '') return { do: 'look', task, query: this.#asked }
    const end = this.#shown.length
    const start = Math.max(opened.at, end - this.#shown.slice(opened.at).trimStart().length)
    return { do: 'look', task, query, words: [start, end] }
  }
}
