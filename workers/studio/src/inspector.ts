import type { SessionEvent } from '@fovea/protocol'
import { byId, element } from './element.ts'
import { eventLine } from './event-line.ts'

/** Rows kept on the page; the edge keeps the whole log. */
const MOST_ROWS = 1000

/** The durable log as it comes: number, time, kind, one line; the JSON on a click. */
export class Inspector {
  readonly #list = byId('events-list', HTMLOListElement)
  readonly #filter = byId('events-filter', HTMLInputElement)
  readonly #count = byId('events-count', HTMLElement)
  readonly #events: SessionEvent[] = []

  constructor() {
    this.#filter.addEventListener('input', () => this.#refilter())
    byId('events-save', HTMLButtonElement).addEventListener('click', () => this.#save())
  }

  add(event: SessionEvent): void {
    this.#events.push(event)
    if (this.#events.length > MOST_ROWS) this.#events.shift()
    this.#count.hidden = false
    this.#count.textContent = String(event.seq)
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40
    this.#list.append(this.#row(event))
    if (this.#list.childElementCount > MOST_ROWS) this.#list.firstElementChild?.remove()
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight
  }

  #row(event: SessionEvent): HTMLLIElement {
    const line = eventLine(event)
    const details = element(
      'details',
      {
        ontoggle: () => details.open && details.childElementCount === 1 && details.append(element('pre', { tabindex: 0 }, JSON.stringify(event, undefined, 2))),
      },
      element(
        'summary',
        {},
        element('span', { class: 'event-seq' }, String(event.seq)),
        element('time', { datetime: new Date(event.at).toISOString() }, new Date(event.at).toLocaleTimeString(undefined, { hour12: false })),
        element('span', { class: `event-type about-${event.type.split('-')[0]}` }, event.type),
        element('span', { class: 'event-line' }, line),
      ),
    )
    return element('li', { hidden: !this.#matches(event) }, details)
  }

  #matches(event: SessionEvent): boolean {
    const wanted = this.#filter.value.trim().toLowerCase()
    return wanted === '' || `${event.type} ${eventLine(event)}`.toLowerCase().includes(wanted)
  }

  #refilter(): void {
    this.#events.forEach((event, index) => {
      const row = this.#list.children[index]
      if (row instanceof HTMLElement) row.hidden = !this.#matches(event)
    })
  }

  #save(): void {
    const url = URL.createObjectURL(new Blob([this.#events.map((event) => `${JSON.stringify(event)}\n`).join('')], { type: 'application/jsonl' }))
    element('a', { href: url, download: 'fovea-events.jsonl' }).click()
    URL.revokeObjectURL(url)
  }
}
