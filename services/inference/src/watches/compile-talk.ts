import type { HeadTask, Window } from '../heads/head.ts'
import type { Talk, Wish } from '../lanes/talk.ts'
import type { LanguageModel, Step } from '../model/vision-model.ts'

export type CompileOptions = {
  session: string
  phrase: string
  task: HeadTask
  language: LanguageModel
  window: () => Promise<Window>
  stopped: () => boolean
}

/**
 * Compiles a phrase into a task embedding: the language model reads the pictures and the bare phrase, the trigger is forced, and the head is left to
 * decide whether the thing is there [TR1]. One prefill and one run; no words.
 */
export class CompileTalk implements Talk {
  readonly session: string
  readonly cost = 1
  readonly state: Promise<Float32Array>
  readonly #options: CompileOptions
  #resolve: (state: Float32Array) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #asked = false

  constructor(options: CompileOptions) {
    this.#options = options
    this.session = options.session
    this.state = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever wanted it may have gone by the time it fails.
    this.state.catch(() => {})
  }

  get over(): boolean {
    return this.#options.stopped()
  }

  async open(): Promise<{ window: Window; text: string }> {
    return { window: await this.#options.window(), text: this.#options.phrase }
  }

  async hear(step: Step): Promise<Wish> {
    const { language, phrase, task } = this.#options
    if (!this.#asked) {
      this.#asked = true
      return { feed: language.forced(phrase, task) }
    }
    this.#resolve(step.hidden)
    return 'end'
  }

  fail(error: unknown): void {
    this.#reject(error)
  }

  closed(): void {
    this.#reject(new Error('The query was stopped before it was compiled.'))
  }
}
