import type { Box, Point } from '@fovea/protocol'
import { byId } from './element.ts'
import type { KeptFrame } from './kept-frames.ts'

type Picked = { points: Point[] } | { box: Box }
type Options = { onPick: (picked: Picked) => void; onLive: () => void }

/** A drag shorter than this, in parts of the picture, is a click. */
const CLICK = 0.02
const STEP = 0.02

/** The place where the picture is shown, at its own aspect, and where a pointer or the keyboard picks an object in it. */
export class Stage {
  readonly overlay = byId('overlay', HTMLCanvasElement)
  readonly #stage = byId('stage', HTMLElement)
  readonly #picture = byId('picture', HTMLElement)
  readonly #surface = byId('surface', HTMLElement)
  readonly #still = byId('still', HTMLCanvasElement)
  readonly #stillLabel = byId('still-label', HTMLElement)
  readonly #toLive = byId('to-live', HTMLButtonElement)
  readonly #hint = byId('stage-hint', HTMLElement)
  readonly #onPick: Options['onPick']
  #size = { width: 16, height: 9 }
  #drag: { from: readonly [number, number]; to: readonly [number, number] } | undefined
  #cross: { x: number; y: number; width: number; height: number } | undefined
  #stillOf: KeptFrame | undefined

  constructor({ onPick, onLive }: Options) {
    this.#onPick = onPick
    this.#toLive.addEventListener('click', () => {
      if (this.#toLive.matches(':focus-visible')) this.overlay.focus()
      onLive()
    })
    new ResizeObserver(() => this.#fit()).observe(this.#stage)
    this.overlay.addEventListener('pointerdown', (event) => this.#press(event))
    this.overlay.addEventListener('pointermove', (event) => this.#move(event))
    this.overlay.addEventListener('pointerup', (event) => this.#release(event))
    this.overlay.addEventListener('pointercancel', () => (this.#drag = undefined))
    this.overlay.addEventListener('keydown', (event) => this.#key(event))
    this.overlay.addEventListener('focus', () => {
      if (this.overlay.matches(':focus-visible')) this.#cross ??= { x: 0.5, y: 0.5, width: 0, height: 0 }
    })
    this.overlay.addEventListener('blur', () => (this.#cross = undefined))
  }

  /** What is being picked right now, for the overlay to draw. */
  get picking(): { box: Box } | { cross: readonly [number, number]; box: Box | undefined } | undefined {
    if (this.#drag) return { box: boxOf(this.#drag.from, this.#drag.to) }
    if (!this.#cross) return undefined
    const { x, y, width, height } = this.#cross
    return { cross: [x, y], box: width > 0 || height > 0 ? boxOf([x - width / 2, y - height / 2], [x + width / 2, y + height / 2]) : undefined }
  }

  /** Whether a held frame lies over the live picture. */
  get isStill(): boolean {
    return !this.#still.hidden
  }

  /** Puts a video or canvas on the stage, or takes the last one off. */
  show(surface: HTMLElement | undefined, size = this.#size): void {
    this.live()
    this.#surface.replaceChildren(...(surface ? [surface] : []))
    this.#picture.hidden = surface === undefined
    this.#hint.hidden = surface === undefined
    this.resize(size)
  }

  resize(size: { width: number; height: number }): void {
    if (size.width > 0 && size.height > 0) this.#size = size
    this.#fit()
  }

  /** Holds a kept frame over the live picture, with words that say which. */
  async freeze(frame: KeptFrame, label: string): Promise<void> {
    if (this.#stillLabel.textContent !== label) this.#stillLabel.textContent = label
    if (this.#stillOf === frame) return
    this.#stillOf = frame
    const bitmap = await createImageBitmap(frame.picture)
    if (this.#stillOf === frame) {
      this.#still.width = bitmap.width
      this.#still.height = bitmap.height
      this.#still.getContext('2d')?.drawImage(bitmap, 0, 0)
      this.#hold(true)
    }
    bitmap.close()
  }

  live(): void {
    this.#stillOf = undefined
    this.#hold(false)
  }

  /** The first pick says enough: the hint goes. */
  dropHint(): void {
    this.#hint.remove()
  }

  #hold(held: boolean): void {
    for (const part of [this.#still, this.#stillLabel, this.#toLive]) part.hidden = !held
    this.#stage.classList.toggle('held', held)
  }

  #fit(): void {
    const { clientWidth, clientHeight } = this.#stage
    const scale = Math.min(clientWidth / this.#size.width, clientHeight / this.#size.height)
    this.#picture.style.width = `${Math.round(this.#size.width * scale)}px`
    this.#picture.style.height = `${Math.round(this.#size.height * scale)}px`
  }

  #at(event: PointerEvent): readonly [number, number] {
    const { left, top, width, height } = this.overlay.getBoundingClientRect()
    return [clamp((event.clientX - left) / width), clamp((event.clientY - top) / height)]
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0) return
    this.overlay.setPointerCapture(event.pointerId)
    this.#cross = undefined
    this.#drag = { from: this.#at(event), to: this.#at(event) }
  }

  #move(event: PointerEvent): void {
    if (this.#drag) this.#drag = { from: this.#drag.from, to: this.#at(event) }
  }

  #release(event: PointerEvent): void {
    if (!this.#drag) return
    const { from } = this.#drag
    const to = this.#at(event)
    this.#drag = undefined
    const small = Math.abs(to[0] - from[0]) < CLICK && Math.abs(to[1] - from[1]) < CLICK
    this.#onPick(small ? { points: [[to[0], to[1], 1]] } : { box: boxOf(from, to) })
  }

  #key(event: KeyboardEvent): void {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    const cross = (this.#cross ??= { x: 0.5, y: 0.5, width: 0, height: 0 })
    if (way) {
      const [dx = 0, dy = 0] = way
      if (event.shiftKey) {
        cross.width = clamp(cross.width + dx * 2 * STEP)
        cross.height = clamp(cross.height - dy * 2 * STEP)
      } else {
        cross.x = clamp(cross.x + dx * STEP)
        cross.y = clamp(cross.y + dy * STEP)
      }
    } else if (event.key === 'Enter' || event.key === ' ') {
      const picking = this.picking
      this.#onPick(
        picking && picking.box && picking.box[2] - picking.box[0] >= CLICK && picking.box[3] - picking.box[1] >= CLICK
          ? { box: picking.box }
          : { points: [[cross.x, cross.y, 1]] },
      )
    } else return
    event.preventDefault()
  }
}

function boxOf(a: readonly [number, number], b: readonly [number, number]): Box {
  return [clamp(Math.min(a[0], b[0])), clamp(Math.min(a[1], b[1])), clamp(Math.max(a[0], b[0])), clamp(Math.max(a[1], b[1]))]
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value))
}
