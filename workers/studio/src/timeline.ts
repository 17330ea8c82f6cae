import { byId, element } from './element.ts'
import type { ColourBook } from './colours.ts'
import type { Lane, Lanes, Stretch } from './lanes.ts'
import type { Ruler } from './ruler.ts'
import { clock, score } from './time-text.ts'
import { along, timeWindow, type TimeWindow } from './window.ts'

type Options = {
  lanes: Lanes
  colours: ColourBook
  ruler: Ruler
  now: () => number
  onStop: (lane: Lane) => void
  /** a lane or one of its stretches is pointed at, or no longer */
  onPoint: (lane: Lane | undefined, stretch?: Stretch) => void
}
type Row = {
  lane: Lane
  item: HTMLLIElement
  state: HTMLElement
  because: HTMLElement
  strip: HTMLCanvasElement
  moments: { stretch: Stretch; button: HTMLButtonElement }[]
}

const STATE_WORDS: Record<Lane['state'], string> = {
  compiling: 'starts',
  waiting: '',
  standing: '',
  'asked-again': 'asked again',
  tentative: 'finding it',
  confirmed: '',
  lost: 'out of sight',
  found: '',
  ended: 'ended',
  done: 'when',
}

/** The rows under the picture: what stands, when it was in view, and the moments that answers named. */
export class Timeline {
  readonly #options: Options
  readonly #list = byId('lanes', HTMLOListElement)
  readonly #empty = byId('lanes-empty', HTMLElement)
  readonly #length = byId('timeline-window', HTMLSelectElement)
  readonly #count = byId('standing-count', HTMLElement)
  readonly #rows = new Map<string, Row>()

  constructor(options: Options) {
    this.#options = options
  }

  get window(): TimeWindow {
    return timeWindow(this.#options.now(), Number(this.#length.value))
  }

  /** Rows follow the lanes: called when an event changed one. */
  update(): void {
    const lanes = this.#options.lanes.all
    for (const [id, row] of this.#rows) {
      if (this.#options.lanes.get(id)) continue
      this.#drop(row)
      this.#rows.delete(id)
    }
    for (const lane of lanes) {
      const row = this.#rows.get(lane.id) ?? this.#add(lane)
      this.#describe(row)
    }
    this.#empty.hidden = lanes.length > 0
    const standing = lanes.filter((lane) => lane.kind !== 'moment' && lane.state !== 'ended').length
    this.#count.hidden = standing === 0
    this.#count.textContent = String(standing)
  }

  /** Paints the strips for this moment: called each time the page is drawn. */
  paint(): void {
    const window = this.window
    this.#options.ruler.paint(window)
    for (const row of this.#rows.values()) {
      this.#describe(row)
      this.#paintStrip(row, window)
    }
  }

  /** The focus goes on to the next row, or to where another is begun. */
  #drop({ item }: Row): void {
    const hadFocus = item.contains(document.activeElement)
    const next = item.nextElementSibling ?? item.previousElementSibling
    item.remove()
    if (!hadFocus) return
    const stop = next?.querySelector('.lane-stop')
    if (stop instanceof HTMLElement) stop.focus()
    else byId('watch-query', HTMLInputElement).focus()
  }

  #add(lane: Lane): Row {
    const state = element('span', { class: 'lane-state' })
    const strip = element('canvas', { class: 'strip', 'aria-hidden': true })
    const moments = element('div', { class: 'moments' })
    const because = element('span', { class: 'lane-because' })
    const stop = element(
      'button',
      { type: 'button', class: 'lane-stop', 'aria-label': `Stop ${lane.title}`, title: 'Stop', onclick: () => this.#options.onStop(lane) },
      '✕',
    )
    const item = element(
      'li',
      {
        class: `lane ${lane.kind}`,
        '--colour': this.#options.colours.of(lane.colour),
        onpointerenter: () => this.#options.onPoint(lane),
        onpointerleave: () => this.#options.onPoint(undefined),
      },
      element(
        'div',
        { class: 'lane-head' },
        element('i', { class: 'dot', 'aria-hidden': true }),
        element('span', { class: 'lane-title', title: lane.title }, lane.title),
        state,
        stop,
      ),
      element('div', { class: 'strip-box' }, strip, moments, because),
    )
    const row: Row = { lane, item, state, because, strip, moments: [] }
    for (const stretch of lane.stretches.filter(({ kind }) => kind === 'moment')) {
      const label = `${lane.title}: ${clock(stretch.from)} to ${clock(stretch.to)}, score ${score(stretch.strength)}`
      const button = element('button', {
        type: 'button',
        class: 'moment-button',
        'aria-label': label,
        title: label,
        onpointerenter: () => this.#options.onPoint(lane, stretch),
        onfocus: () => this.#options.onPoint(lane, stretch),
        onblur: () => this.#options.onPoint(undefined),
      })
      moments.append(button)
      row.moments.push({ stretch, button })
    }
    this.#rows.set(lane.id, row)
    this.#list.append(item)
    return row
  }

  #describe({ lane, item, state, because }: Row): void {
    const number = lane.score === undefined || lane.state === 'ended' ? '' : ` ${score(lane.score)}`
    const words = (STATE_WORDS[lane.state] + number).trim()
    const why = lane.state === 'ended' || lane.state === 'waiting' ? (lane.because ?? '') : ''
    if (state.textContent === words && because.textContent === why) return
    state.textContent = words
    because.textContent = why
    item.dataset.state = lane.state
  }

  #paintStrip({ lane, strip, moments }: Row, window: TimeWindow): void {
    const context = strip.getContext('2d')
    const [width, height] = [strip.clientWidth, strip.clientHeight]
    if (!context || width === 0) return
    const ratio = devicePixelRatio
    if (strip.width !== Math.round(width * ratio)) strip.width = Math.round(width * ratio)
    if (strip.height !== Math.round(height * ratio)) strip.height = Math.round(height * ratio)
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, width, height)
    const colour = this.#options.colours.of(lane.colour)
    const x = (time: number) => along(time, window) * width
    if (lane.saliency) paintSaliency(context, lane.saliency, x, height, colour)
    for (const stretch of lane.stretches) {
      const left = x(stretch.from)
      const wide = Math.max(3, x(stretch.open ? Math.max(stretch.to, Math.min(this.#options.now(), stretch.to + 200)) : stretch.to) - left)
      if (left + wide < 0 || left > width) continue
      context.fillStyle = colour
      context.globalAlpha = stretch.kind === 'gap' ? 0.25 : lane.state === 'ended' ? 0.45 : 0.4 + 0.6 * stretch.strength
      const [top, tall] = stretch.kind === 'gap' ? [height / 2 - 1, 2] : stretch.kind === 'moment' ? [height - 7, 5] : [height / 2 - 5, 10]
      context.beginPath()
      context.roundRect(left, top, wide, tall, Math.min(3, tall / 2))
      context.fill()
    }
    context.globalAlpha = 1
    for (const { stretch, button } of moments) {
      const [left, right] = [Math.max(0, x(stretch.from)), Math.min(width, x(stretch.to))]
      button.hidden = right <= 0 || left >= width
      button.style.transform = `translateX(${left}px)`
      button.style.width = `${Math.max(12, right - left)}px`
    }
  }
}

function paintSaliency(
  context: CanvasRenderingContext2D,
  { from, step, values }: NonNullable<Lane['saliency']>,
  x: (time: number) => number,
  height: number,
  colour: string,
): void {
  if (values.length < 2) return
  const y = (value: number) => height - 2 - value * (height - 6)
  context.beginPath()
  context.moveTo(x(from), height)
  values.forEach((value, index) => context.lineTo(x(from + index * step), y(value)))
  context.lineTo(x(from + (values.length - 1) * step), height)
  context.closePath()
  context.globalAlpha = 0.22
  context.fillStyle = colour
  context.fill()
  context.globalAlpha = 1
}
