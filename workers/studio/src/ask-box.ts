import type { AskAt, AskBody } from '@fovea/protocol'
import { fadeEdges } from './edge-fade.ts'
import { byId, element } from './element.ts'
import type { Range } from './ruler.ts'
import { clock } from './time-text.ts'

export type Question = { text: string; by: 'model' | 'agent'; tasks: AskBody['tasks']; at: AskAt | undefined }
type Options = { now: () => number; onAsk: (question: Question) => void; onStop: () => void }

/** Where a question is typed, with what kind of answer it wants and which time it looks at. Enter asks; while an answer runs the button stops it. */
export class AskBox {
  readonly #options: Options
  readonly #question = byId('question', HTMLTextAreaElement)
  readonly #task = byId('ask-task', HTMLSelectElement)
  readonly #at = byId('ask-at', HTMLSelectElement)
  readonly #button = byId('ask-button', HTMLButtonElement)
  readonly #offers = byId('offers', HTMLElement)
  #range: Range | undefined
  #running = false

  constructor(options: Options) {
    this.#options = options
    byId('ask-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#running) options.onStop()
      else this.#ask()
    })
    this.#question.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
      event.preventDefault()
      if (!this.#running) this.#ask()
    })
    this.#question.addEventListener('input', () => this.#grow())
    fadeEdges(this.#offers)
  }

  focus(): void {
    this.#question.focus()
  }

  /** Puts a question in the box, for the user to ask or change. */
  suggest(text: string): void {
    if (this.#question.value === '') this.#question.value = text
    this.#grow()
  }

  /** Questions that are known to make sense for what is shown: one click asks. */
  offer(questions: readonly string[]): void {
    this.#offers.replaceChildren(
      ...questions.map((text) =>
        element(
          'button',
          { type: 'button', class: 'offer', onclick: () => this.#options.onAsk({ text, by: 'model', tasks: undefined, at: this.#where() }) },
          text,
        ),
      ),
    )
    this.#offers.hidden = questions.length === 0
  }

  setRunning(running: boolean): void {
    this.#running = running
    this.#button.classList.toggle('stop', running)
    const [words, key] = this.#button.children
    if (words) words.textContent = running ? 'Stop' : 'Ask'
    if (key) key.textContent = running ? 'Esc' : '⏎'
  }

  /** A range was chosen on the timeline, or let go: questions look there. */
  setRange(range: Range | undefined): void {
    this.#range = range
    const option = this.#at.querySelector('option[value=range]') ?? element('option', { value: 'range' })
    if (range) {
      option.textContent = `${clock(range.from)} – ${clock(range.to)}`
      this.#at.append(option)
      this.#at.value = 'range'
    } else {
      option.remove()
    }
  }

  #ask(): void {
    const text = this.#question.value.trim()
    if (text === '') return this.#question.focus()
    const task = this.#task.value
    const tasks: AskBody['tasks'] = task === 'region' || task === 'mask' || task === 'moment' ? [task] : undefined
    this.#options.onAsk({ text, by: task === 'agent' ? 'agent' : 'model', tasks, at: this.#where() })
    this.#question.value = ''
    this.#grow()
  }

  #where(): AskAt | undefined {
    if (this.#at.value === 'range' && this.#range) return this.#range
    const back = Number(this.#at.value)
    const now = this.#options.now()
    return back > 0 ? { from: Math.max(0, now - back), to: now } : undefined
  }

  #grow(): void {
    this.#question.style.height = 'auto'
    this.#question.style.height = `${Math.min(160, this.#question.scrollHeight)}px`
  }
}
