import { fadeEdges } from './edge-fade.ts'
import { byId, element } from './element.ts'
import { cameras, openCamera, openScreen } from './sources/camera.ts'
import { openFile } from './sources/file.ts'
import { listSamples, openSample, type Sample } from './sources/samples.ts'
import type { Source } from './sources/source.ts'

type Options = {
  /** opens what was chosen, and says in words what went wrong */
  onChoose: (doing: string, open: () => Promise<Source>, sample?: Sample) => void
}

/** Where pictures come from: on the empty stage, behind the source button, and by dropping a file. */
export class SourcePicker {
  readonly #options: Options
  readonly #dialog = byId('source-dialog', HTMLDialogElement)
  readonly #choices = byId('source-choices', HTMLElement)
  readonly #welcome = byId('welcome', HTMLElement)
  readonly #input = byId('file-input', HTMLInputElement)
  #samples: Sample[] = []
  #byKeyboard = false

  constructor(options: Options) {
    this.#options = options
    byId('source-button', HTMLButtonElement).addEventListener('click', () => void this.open())
    this.#input.addEventListener('change', () => {
      const [file] = this.#input.files ?? []
      if (file) this.#file(file)
      this.#input.value = ''
    })
    this.#takeDrops(byId('stage', HTMLElement), byId('drop-hint', HTMLElement))
    this.#dialog.addEventListener('click', (event) => event.target === this.#dialog && this.#dialog.close())
  }

  /** Fills the empty stage. */
  async welcome(): Promise<void> {
    const fill = () =>
      this.#welcome.replaceChildren(
        element('h2', {}, 'What should Fovea look at?'),
        element('p', {}, 'Ask in words. Get words back, with the boxes, outlines, tracks and moments they rest on.'),
        this.#buttons([]),
        ...this.#gallery(),
      )
    fill()
    this.#samples = await listSamples()
    fill()
  }

  /** There is a picture now. Says whether it was chosen with the keyboard: what had the focus is gone then. */
  settle(): boolean {
    const byKeyboard = this.#byKeyboard || hasKeyboard(this.#welcome)
    this.#byKeyboard = false
    this.#welcome.hidden = true
    delete byId('main', HTMLElement).dataset.empty
    return byKeyboard
  }

  async open(): Promise<void> {
    this.#choices.replaceChildren(this.#buttons(await cameras()), ...this.#gallery())
    this.#dialog.showModal()
  }

  openFileDialog(): void {
    this.#input.click()
  }

  camera(id?: string): void {
    this.#choose('The camera did not open', () => openCamera(id))
  }

  #buttons(known: { id: string; name: string }[]): HTMLElement {
    const several =
      known.length > 1
        ? known.map(({ id, name }) => choice(name, 'camera', CAMERA, () => this.camera(id)))
        : [choice('Camera', 'of this device', CAMERA, () => this.camera())]
    return element(
      'div',
      { class: 'choices' },
      ...several,
      choice('File', 'video or picture', FILE, () => this.openFileDialog()),
      choice('Screen', 'a window or a tab', SCREEN, () => this.#choose('The screen was not shared', openScreen)),
    )
  }

  #gallery(): HTMLElement[] {
    if (this.#samples.length === 0) return []
    const card = (sample: Sample) =>
      element(
        'button',
        { type: 'button', class: 'sample', onclick: () => this.#choose('The sample did not open', () => openSample(sample), sample) },
        thumbnail(sample),
        element('span', { class: 'choice-name' }, sample.title),
        element('span', { class: 'choice-about' }, sample.shows),
      )
    const samples = element('div', { class: 'samples' }, ...this.#samples.map(card))
    fadeEdges(samples)
    return [element('div', { class: 'gallery' }, element('h3', {}, 'Samples'), samples)]
  }

  #choose(doing: string, open: () => Promise<Source>, sample?: Sample): void {
    this.#byKeyboard = hasKeyboard(this.#dialog)
    this.#dialog.close()
    this.#options.onChoose(doing, open, sample)
  }

  #file(file: File): void {
    this.#choose(`${file.name} did not open`, () => openFile(file, file.name))
  }

  #takeDrops(stage: HTMLElement, hint: HTMLElement): void {
    stage.addEventListener('dragover', (event) => {
      event.preventDefault()
      hint.hidden = false
    })
    stage.addEventListener('dragleave', () => (hint.hidden = true))
    stage.addEventListener('drop', (event) => {
      event.preventDefault()
      hint.hidden = true
      const [file] = event.dataTransfer?.files ?? []
      if (file) this.#file(file)
    })
  }
}

/** Whether the keyboard has its focus in there. */
function hasKeyboard(place: HTMLElement): boolean {
  return document.activeElement !== null && place.contains(document.activeElement) && document.activeElement.matches(':focus-visible')
}

function choice(name: string, about: string, icon: string, onclick: () => void): HTMLElement {
  return element(
    'button',
    { type: 'button', class: 'choice', onclick },
    symbol(icon),
    element('span', { class: 'choice-name' }, name),
    element('span', { class: 'choice-about' }, about),
  )
}

function thumbnail({ file }: Sample): HTMLElement {
  return /\.(mp4|webm)$/.test(file)
    ? element('video', { src: `/samples/${file}`, muted: true, preload: 'metadata', 'aria-hidden': true })
    : element('img', { src: `/samples/${file}`, alt: '', loading: 'lazy' })
}

const CAMERA = 'M3 7.5A1.5 1.5 0 0 1 4.5 6h8A1.5 1.5 0 0 1 14 7.5v7a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 3 14.5zM14 10.2l4-2.4v6.4l-4-2.4'
const FILE = 'M6 3.5h6l4 4v9a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-12a1 1 0 0 1 1-1zM12 3.5v4h4'
const SCREEN = 'M3.5 4.5h14a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-14a1 1 0 0 1-1-1v-8a1 1 0 0 1 1-1zM7.5 17.5h6M10.5 14.5v3'

function symbol(path: string): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  made.setAttribute('viewBox', '0 0 21 21')
  made.setAttribute('aria-hidden', 'true')
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  line.setAttribute('d', path)
  made.append(line)
  return made
}
