import type { Evidence } from '@fovea/protocol'
import type { AnswerState } from './answers.ts'
import type { ColourBook } from './colours.ts'
import { byId, element } from './element.ts'
import { evidenceLine } from './event-line.ts'
import { wordRuns } from './evidence-words.ts'
import { clock, span } from './time-text.ts'

type Options = {
  colours: ColourBook
  /** these pieces of evidence are pointed at; none: no longer */
  onPoint: (evidence: readonly string[]) => void
  /** a piece of evidence was clicked: it stays shown until the next Escape or click */
  onPin: (evidence: string) => void
  onFollow: (evidence: Evidence) => void
  isConnected: () => boolean
}

const TASK_WORDS = { region: 'where', mask: 'outline', moment: 'when', track: 'follow' } as const

/** The talk: questions, and answers whose words light up what they rest on. */
export class AnswersView {
  readonly #options: Options
  readonly #list = byId('answers', HTMLElement)
  readonly #empty = byId('answers-empty', HTMLElement)
  readonly #cards = new Map<string, HTMLElement>()

  constructor(options: Options) {
    this.#options = options
  }

  update(answer: AnswerState): void {
    this.#empty.hidden = true
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 80
    const card = this.#render(answer)
    const known = this.#cards.get(answer.ask)
    if (known) replaceKeepingFocus(known, card)
    else this.#list.append(card)
    this.#cards.set(answer.ask, card)
    if (!atEnd && known) return
    // The newest is in view to its end, but where it is longer than the place for it, from its beginning.
    const top = card.getBoundingClientRect().top - this.#list.getBoundingClientRect().top + this.#list.scrollTop
    this.#list.scrollTop = Math.min(top - 8, this.#list.scrollHeight)
  }

  remove(ask: string): void {
    this.#cards.get(ask)?.remove()
    this.#cards.delete(ask)
    this.#empty.hidden = this.#cards.size > 0
  }

  #render(answer: AnswerState): HTMLElement {
    const looks = answer.look === 'now' ? [] : ['from' in answer.look ? `${clock(answer.look.from)}–${clock(answer.look.to)}` : `frame ${answer.look.frame}`]
    const kind = [...(answer.by === 'agent' ? ['agent'] : []), ...(answer.tasks ?? []).map((task) => TASK_WORDS[task]), ...looks].join(', ')
    return element(
      'article',
      { class: 'answer', 'data-ask': answer.ask, 'aria-busy': answer.end ? undefined : 'true' },
      element('p', { class: 'asked' }, answer.question, kind ? element('span', { class: 'asked-kind' }, kind) : undefined),
      answer.isPosted && !this.#options.isConnected() ? element('p', { class: 'answer-waits' }, 'waits for the connection') : this.#words(answer),
      answer.end?.error ? element('p', { class: 'answer-error' }, answer.end.error.message) : undefined,
      answer.evidence.length + answer.looking.length > 0 ? this.#evidence(answer) : undefined,
      answer.end ? element('p', { class: 'answer-end' }, endWords(answer)) : undefined,
    )
  }

  #words({ text, evidence, end }: AnswerState): HTMLElement {
    const runs = wordRuns(text, evidence).map((run) => {
      const first = evidence.find(({ id }) => id === run.evidence[0])
      if (!first) return run.text
      const said = run.evidence.flatMap((id) => evidence.filter((one) => one.id === id)).map(evidenceLine)
      return element(
        'mark',
        {
          tabindex: 0,
          role: 'button',
          'aria-label': `${run.text}: ${said.join('; ')}`,
          'data-evidence': run.evidence.join(' '),
          '--colour': this.#options.colours.of(first.query),
          ...this.#pointing(run.evidence),
          onclick: () => this.#options.onPin(first.id),
          onkeydown: (event: KeyboardEvent) => {
            if (event.key === 'Enter' || event.key === ' ') {
              event.preventDefault()
              this.#options.onPin(first.id)
            }
          },
        },
        run.text,
      )
    })
    return element('p', { class: 'answered' }, ...runs, end ? undefined : element('span', { class: 'caret-bar', 'aria-hidden': true }))
  }

  #evidence({ evidence, looking }: AnswerState): HTMLElement {
    const found = evidence.map((one) =>
      element(
        'li',
        {},
        element(
          'button',
          {
            type: 'button',
            class: 'evidence',
            'data-evidence': one.id,
            '--colour': this.#options.colours.of(one.query),
            ...this.#pointing([one.id]),
            onclick: () => this.#options.onPin(one.id),
          },
          element('i', { class: 'dot', 'aria-hidden': true }),
          element('span', { class: 'evidence-query' }, one.query),
          element('span', { class: 'evidence-line' }, evidenceLine(one)),
        ),
        canFollow(one)
          ? element(
              'button',
              { type: 'button', class: 'quiet', 'data-evidence': one.id, 'aria-label': `Follow ${one.query}`, onclick: () => this.#options.onFollow(one) },
              'Follow',
            )
          : undefined,
      ),
    )
    const pending = looking.map(({ query, task }) =>
      element(
        'li',
        {},
        element(
          'span',
          { class: 'evidence pending' },
          element('span', { class: 'evidence-query' }, query),
          element('span', { class: 'evidence-line' }, task === 'moment' ? 'looking back' : 'looking'),
        ),
      ),
    )
    return element('ul', { class: 'evidence-list', 'aria-label': 'What this answer rests on' }, ...found, ...pending)
  }

  #pointing(evidence: readonly string[]) {
    const point = () => this.#options.onPoint(evidence)
    const leave = () => this.#options.onPoint([])
    return { onpointerenter: point, onfocus: point, onpointerleave: leave, onblur: leave }
  }
}

function canFollow({ regions, mask }: Evidence): boolean {
  return mask !== undefined || (regions?.length ?? 0) > 0
}

const FINISH_WORDS = { stop: '', length: 'cut at the length limit', deadline: 'cut at its deadline', cancelled: 'stopped', error: 'failed' } as const

function endWords({ end, evidence }: AnswerState): string {
  if (!end) return ''
  const parts: string[] = [FINISH_WORDS[end.finish]]
  if (end.usage?.firstWordMs !== undefined) parts.push(`first word ${span(end.usage.firstWordMs)}`)
  if (end.usage) parts.push(`${span(end.usage.totalMs)} in all`)
  if (evidence.length > 0) parts.push(`${evidence.length} ${evidence.length === 1 ? 'piece' : 'pieces'} of evidence`)
  return parts.filter(Boolean).join(' · ')
}

/** Words come while the reader is on one of them: the focus stays where it was. */
function replaceKeepingFocus(before: HTMLElement, after: HTMLElement): void {
  const focused = document.activeElement
  const evidence = focused instanceof HTMLElement && before.contains(focused) ? focused.dataset.evidence : undefined
  before.replaceWith(after)
  if (evidence === undefined || !focused) return
  const same = [...after.querySelectorAll(`${focused.tagName}[data-evidence="${CSS.escape(evidence)}"]`)].find((one) => one.className === focused.className)
  if (same instanceof HTMLElement) same.focus({ preventScroll: true })
}
