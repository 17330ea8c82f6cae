import { byId } from './element.ts'

const KEY = 'fovea-theme'

/** Light or dark: the system's choice, until the user makes one, which this browser remembers. */
export class Theme {
  constructor() {
    const chosen = localStorage.getItem(KEY)
    if (chosen) document.documentElement.dataset.theme = chosen
    byId('theme-button', HTMLButtonElement).addEventListener('click', () => this.toggle())
  }

  toggle(): void {
    const root = document.documentElement
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
    root.dataset.theme = dark ? 'light' : 'dark'
    localStorage.setItem(KEY, root.dataset.theme)
  }
}
