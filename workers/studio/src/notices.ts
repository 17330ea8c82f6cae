import { ProtocolError } from '@fovea/protocol'
import { byId, element } from './element.ts'

const SHOWN_MS = 9000

/** What went wrong, in words, where it is seen and read aloud; each goes by itself, or with its button. */
export class Notices {
  readonly #list = byId('notices', HTMLElement)

  say(words: string): void {
    const same = [...this.#list.children].find((child) => child.firstChild?.textContent === words)
    same?.remove()
    const notice = element(
      'div',
      { class: 'notice' },
      element('p', {}, words),
      element('button', { type: 'button', class: 'icon-button', 'aria-label': 'Dismiss', onclick: () => notice.remove() }, '✕'),
    )
    this.#list.append(notice)
    setTimeout(() => notice.remove(), SHOWN_MS)
  }

  /** An error as words. What is not ours is named by what was being done. */
  error(doing: string, error: unknown): void {
    this.say(error instanceof ProtocolError ? error.message : `${doing}: ${reason(error)}`)
  }

  dismissAll(): boolean {
    const any = this.#list.childElementCount > 0
    this.#list.replaceChildren()
    return any
  }
}

function reason(error: unknown): string {
  if (error instanceof DOMException && error.name === 'NotAllowedError')
    return 'the browser was not allowed to. Allow the camera for this page in the address bar, then try again.'
  if (error instanceof DOMException && error.name === 'NotFoundError') return 'there is no such device. Connect a camera, or open a file or a sample instead.'
  if (error instanceof DOMException && error.name === 'NotReadableError') return 'another program holds the camera. Close it there and try again.'
  return error instanceof Error ? error.message : String(error)
}
