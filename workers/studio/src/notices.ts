import { ProtocolError } from '@fovea/protocol'
import { byId, element } from './element.ts'

/** Long enough to be read: a moment to turn to it, then fifteen letters a second. */
const readingMs = (words: string) => 3000 + words.length * 65
const MOST = 3

/** What went wrong, or has come right by itself, in words, in a row of its own; each goes when it was read, or with its button. */
export class Notices {
  readonly #list = byId('notices', HTMLElement)

  /** Something the user has to know. */
  say(words: string): void {
    this.#show(words, 'alert')
  }

  /** Something that is well, and may be worth knowing. */
  note(words: string): void {
    this.#show(words, 'status')
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

  #show(words: string, role: 'alert' | 'status'): void {
    const same = [...this.#list.children].find((child) => child.firstChild?.textContent === words)
    same?.remove()
    const notice = element(
      'div',
      { class: 'notice', role },
      element('p', {}, words),
      element('button', { type: 'button', class: 'icon-button', 'aria-label': 'Dismiss', onclick: () => notice.remove() }, '✕'),
    )
    this.#list.append(notice)
    while (this.#list.childElementCount > MOST) this.#list.firstElementChild?.remove()
    this.#leave(notice, readingMs(words))
  }

  /** Goes after the time, but not from under the pointer or the focus. */
  #leave(notice: HTMLElement, ms: number): void {
    setTimeout(() => (notice.matches(':hover, :focus-within') ? this.#leave(notice, 1000) : notice.remove()), ms)
  }
}

function reason(error: unknown): string {
  if (error instanceof DOMException && error.name === 'NotAllowedError')
    return 'the browser was not allowed to. Allow the camera for this page in the address bar, then try again.'
  if (error instanceof DOMException && error.name === 'NotFoundError') return 'there is no such device. Connect a camera, or open a file or a sample instead.'
  if (error instanceof DOMException && error.name === 'NotReadableError') return 'another program holds the camera. Close it there and try again.'
  return error instanceof Error ? error.message : String(error)
}
