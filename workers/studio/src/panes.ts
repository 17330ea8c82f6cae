import { byId } from './element.ts'

export type Pane = 'talk' | 'standing' | 'events'
const PANES: readonly Pane[] = ['talk', 'standing', 'events']

/** The tabs: two beside the picture on a wide screen, three under or beside it on a phone. */
export class Panes {
  readonly #main = byId('main', HTMLElement)
  /** The timeline always shows: it has no tab then. */
  readonly #wide = matchMedia('(min-width: 900px) and (min-height: 501px)')

  constructor() {
    for (const pane of PANES) {
      const tab = this.#tab(pane)
      tab.addEventListener('click', () => this.show(pane))
      tab.addEventListener('keydown', (event) => {
        const way = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
        if (way === 0) return
        const shown = PANES.filter((one) => this.#tab(one).offsetParent !== null)
        const next = shown[(shown.indexOf(pane) + way + shown.length) % shown.length]
        if (next) this.show(next, { focus: true })
      })
    }
    this.#wide.addEventListener('change', ({ matches }) => matches && this.#main.dataset.pane === 'standing' && this.show('talk'))
  }

  show(pane: Pane, { focus = false }: { focus?: boolean } = {}): void {
    if (pane === 'standing' && this.#wide.matches) return
    this.#main.dataset.pane = pane
    byId('talk', HTMLElement).hidden = pane !== 'talk'
    byId('events', HTMLElement).hidden = pane !== 'events'
    for (const one of PANES) {
      const tab = this.#tab(one)
      tab.setAttribute('aria-selected', String(one === pane))
      tab.tabIndex = one === pane ? 0 : -1
      if (one === pane && focus) tab.focus()
    }
  }

  #tab(pane: Pane): HTMLButtonElement {
    return byId(`tab-${pane}`, HTMLButtonElement)
  }
}
