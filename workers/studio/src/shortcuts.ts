import { byId, element } from './element.ts'

export type Shortcut = { keys: readonly string[]; shown: string; does: string; run: () => void }

/** Whether a key press is meant for what is being typed in. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
}

/** Binds the keys of the page and fills the sheet that lists them. Escape works everywhere, letters only where nothing is typed. */
export function bindShortcuts(shortcuts: readonly Shortcut[], fixed: readonly Pick<Shortcut, 'shown' | 'does'>[]): void {
  const sheet = byId('shortcuts', HTMLDialogElement)
  const open: Shortcut = { keys: ['?'], shown: '?', does: 'This sheet', run: () => sheet.showModal() }
  const all = [...shortcuts, open]
  byId('shortcut-list', HTMLElement).append(
    ...[...all, ...fixed].flatMap(({ shown, does }) => [element('dt', {}, ...shown.split(' ').map((key) => element('kbd', {}, key))), element('dd', {}, does)]),
  )
  byId('help-button', HTMLButtonElement).addEventListener('click', open.run)
  sheet.addEventListener('click', (event) => event.target === sheet && sheet.close())
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (document.querySelector('dialog[open]')) return
    if (event.key !== 'Escape' && isTyping(event.target)) return
    const found = all.find(({ keys }) => keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key))
    // Space and Enter belong to the button or word that has the focus.
    if (!found || (event.key === ' ' && event.target !== document.body)) return
    event.preventDefault()
    found.run()
  })
}
