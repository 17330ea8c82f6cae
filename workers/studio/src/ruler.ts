import { byId } from './element.ts'
import { clock } from './time-text.ts'
import { along, ticks, type TimeWindow } from './window.ts'

export type Range = { from: number; to: number }
type Options = { now: () => number; onRange: (range: Range | undefined) => void }

/** A shorter drag is a slip of the hand. */
const LEAST_MS = 100

/** The time scale over the rows. A range is chosen on it, with the pointer or the keyboard: questions can then look at that time. */
export class Ruler {
  readonly #canvas = byId('ruler', HTMLCanvasElement)
  readonly #options: Options
  #window: TimeWindow = { from: 0, to: 1 }
  #range: Range | undefined
  #cursor: number | undefined
  #anchor: number | undefined

  constructor(options: Options) {
    this.#options = options
    this.#canvas.addEventListener('pointerdown', (event) => {
      this.#canvas.setPointerCapture(event.pointerId)
      this.#anchor = this.#timeAt(event)
      this.#set(undefined)
    })
    this.#canvas.addEventListener('pointermove', (event) => {
      if (this.#anchor !== undefined) this.#between(this.#anchor, this.#timeAt(event))
    })
    this.#canvas.addEventListener('pointerup', () => (this.#anchor = undefined))
    this.#canvas.addEventListener('pointercancel', () => (this.#anchor = undefined))
    this.#canvas.addEventListener('keydown', (event) => this.#key(event))
    this.#canvas.addEventListener('blur', () => (this.#cursor = undefined))
  }

  get range(): Range | undefined {
    return this.#range
  }

  clear(): void {
    this.#cursor = undefined
    this.#set(undefined)
  }

  paint(window: TimeWindow): void {
    this.#window = window
    const context = this.#canvas.getContext('2d')
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight]
    if (!context || width === 0) return
    const ratio = devicePixelRatio
    if (this.#canvas.width !== Math.round(width * ratio)) this.#canvas.width = Math.round(width * ratio)
    if (this.#canvas.height !== Math.round(height * ratio)) this.#canvas.height = Math.round(height * ratio)
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, width, height)
    const style = getComputedStyle(this.#canvas)
    const x = (time: number) => along(time, window) * width
    if (this.#range) {
      context.fillStyle = style.getPropertyValue('--accent')
      context.globalAlpha = 0.22
      context.fillRect(x(this.#range.from), 0, x(this.#range.to) - x(this.#range.from), height)
      context.globalAlpha = 1
      for (const edge of [this.#range.from, this.#range.to]) context.fillRect(x(edge) - 1, 0, 2, height)
    }
    context.font = '11px system-ui, sans-serif'
    context.textBaseline = 'middle'
    for (const time of ticks(window, width)) {
      context.fillStyle = style.getPropertyValue('--line')
      context.fillRect(Math.round(x(time)), height - 5, 1, 5)
      context.fillStyle = style.getPropertyValue('--muted')
      const label = time % 1000 === 0 ? clock(time).replace('.0', '') : clock(time)
      context.fillText(label, Math.min(x(time) + 4, width - 30), height / 2 - 1)
    }
    this.#mark(context, x(this.#options.now()), height, style.getPropertyValue('--accent'), 1)
    if (this.#cursor !== undefined) this.#mark(context, x(this.#cursor), height, style.getPropertyValue('--text'), 2)
  }

  #mark(context: CanvasRenderingContext2D, x: number, height: number, colour: string, width: number): void {
    context.fillStyle = colour
    context.fillRect(x - width / 2, 0, width, height)
  }

  #timeAt(event: PointerEvent): number {
    const { left, width } = this.#canvas.getBoundingClientRect()
    const time = this.#window.from + ((event.clientX - left) / width) * (this.#window.to - this.#window.from)
    return Math.min(this.#options.now(), Math.max(0, time))
  }

  #between(a: number, b: number): void {
    const [from, to] = [Math.min(a, b), Math.max(a, b)]
    if (to - from >= LEAST_MS) this.#set({ from, to })
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.#range) {
      this.clear()
      event.stopPropagation()
      return
    }
    const way = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
    if (way === 0) return
    event.preventDefault()
    const before = this.#cursor ?? this.#options.now()
    this.#cursor = Math.min(this.#options.now(), Math.max(0, before + (way * (this.#window.to - this.#window.from)) / 100))
    if (event.shiftKey) {
      this.#anchor ??= before
      this.#between(this.#anchor, this.#cursor)
    } else this.#anchor = undefined
    this.#describe()
  }

  #set(range: Range | undefined): void {
    this.#range = range
    this.#options.onRange(range)
    this.#describe()
  }

  #describe(): void {
    const at = this.#cursor ?? this.#options.now()
    this.#canvas.setAttribute('aria-valuemax', String(Math.round(this.#options.now())))
    this.#canvas.setAttribute('aria-valuenow', String(Math.round(at)))
    this.#canvas.setAttribute('aria-valuetext', this.#range ? `${clock(this.#range.from)} to ${clock(this.#range.to)} chosen` : clock(at))
  }
}
