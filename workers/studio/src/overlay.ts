import type { Box, Rle } from '@fovea/protocol'
import { maskShape, type MaskShape } from './mask-shape.ts'

/** One thing to paint: the caller has settled where it is, what it is called and how it looks. */
export type Mark = {
  box: Box | undefined
  mask: { rle: Rle; box: Box | undefined } | undefined
  label: string
  colour: string
  alpha: number
  /** `corners`: a track; `dashed`: not yet sure; `none`: the outline says enough */
  edge: 'line' | 'corners' | 'dashed' | 'none'
  trail: readonly (readonly [number, number])[]
}

type Picking = { box: Box } | { cross: readonly [number, number]; box: Box | undefined }
export type Painting = { marks: readonly Mark[]; picking: Picking | undefined; spotlight: boolean }

const LABEL_FONT = '600 12px system-ui, sans-serif'
const HALO = 'rgba(4, 8, 10, 0.55)'

/** Paints boxes, outlines, trails and the hand's own picking over the picture, sharp on every screen. */
export class Overlay {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  readonly #shapes = new WeakMap<Rle, MaskShape>()
  #width = 0
  #height = 0
  #blank = true

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d')
    if (!context) throw new Error('This browser gives no 2D canvas; the overlay cannot be drawn.')
    this.#canvas = canvas
    this.#context = context
  }

  paint({ marks, picking, spotlight }: Painting): void {
    if (this.#blank && marks.length === 0 && !picking) return
    this.#clear()
    this.#blank = marks.length === 0 && !picking
    if (spotlight) this.#dimAround(marks)
    for (const mark of marks) this.#mask(mark)
    for (const mark of marks) this.#trail(mark)
    for (const mark of marks) this.#box(mark)
    const taken: { x: number; y: number; width: number }[] = []
    for (const mark of marks) this.#label(mark, taken)
    if (picking) this.#pick(picking)
  }

  #clear(): void {
    const ratio = devicePixelRatio
    this.#width = this.#canvas.clientWidth
    this.#height = this.#canvas.clientHeight
    const [width, height] = [Math.round(this.#width * ratio), Math.round(this.#height * ratio)]
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width
      this.#canvas.height = height
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0)
    this.#context.clearRect(0, 0, this.#width, this.#height)
  }

  // The periphery goes dim and what an answer rests on stays bright: the page does what its name says.
  #dimAround(marks: readonly Mark[]): void {
    const boxes = marks.flatMap((mark) => {
      const box = mark.box ?? (mark.mask && this.#shape(mark.mask.rle).bounds)
      return box ? [this.#scaled(box)] : []
    })
    if (boxes.length === 0) return
    this.#context.fillStyle = 'rgba(4, 8, 10, 0.5)'
    this.#context.fillRect(0, 0, this.#width, this.#height)
    for (const [x, y, width, height] of boxes) this.#context.clearRect(x - 3, y - 3, width + 6, height + 6)
  }

  #mask({ mask, box, colour, alpha }: Mark): void {
    if (!mask) return
    const { polygons } = this.#shape(mask.rle)
    // Between verdicts an outline goes with its box.
    const [shiftX, shiftY] = mask.box && box ? [centre(box, 0) - centre(mask.box, 0), centre(box, 1) - centre(mask.box, 1)] : [0, 0]
    const path = new Path2D()
    for (const polygon of polygons) {
      polygon.forEach(([x, y], index) => path[index === 0 ? 'moveTo' : 'lineTo']((x + shiftX) * this.#width, (y + shiftY) * this.#height))
      path.closePath()
    }
    this.#context.lineJoin = 'round'
    this.#context.globalAlpha = alpha * 0.32
    this.#context.fillStyle = colour
    // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- a canvas fills a path here
    this.#context.fill(path, 'evenodd')
    this.#context.globalAlpha = alpha
    this.#stroke(path, colour, 2)
    this.#context.globalAlpha = 1
  }

  #trail({ trail, colour, alpha }: Mark): void {
    trail.forEach(([x, y], index) => {
      const before = trail[index - 1]
      if (!before) return
      this.#context.globalAlpha = alpha * 0.8 * (index / trail.length)
      this.#context.strokeStyle = colour
      this.#context.lineWidth = 2
      this.#context.lineCap = 'round'
      this.#context.beginPath()
      this.#context.moveTo(before[0] * this.#width, before[1] * this.#height)
      this.#context.lineTo(x * this.#width, y * this.#height)
      this.#context.stroke()
    })
    this.#context.globalAlpha = 1
  }

  #box({ box, colour, alpha, edge }: Mark): void {
    if (!box || edge === 'none') return
    const [x, y, width, height] = this.#scaled(box)
    const path = new Path2D()
    if (edge === 'corners') corners(path, x, y, width, height)
    else path.roundRect(x, y, width, height, 4)
    this.#context.globalAlpha = alpha
    this.#context.lineCap = 'round'
    this.#context.lineJoin = 'round'
    this.#context.setLineDash(edge === 'dashed' ? [6, 5] : [])
    this.#stroke(path, colour, 2)
    this.#context.setLineDash([])
    this.#context.globalAlpha = 1
  }

  #label({ box, mask, label, colour, alpha }: Mark, taken: { x: number; y: number; width: number }[]): void {
    const at = box ?? (mask && this.#shape(mask.rle).bounds)
    if (!at || !label) return
    const [left, top] = this.#scaled(at)
    this.#context.font = LABEL_FONT
    const width = Math.ceil(this.#context.measureText(label).width) + 12
    const x = Math.max(0, Math.min(left - 1, this.#width - width))
    let y = top - 22 >= 0 ? top - 22 : top + 4
    while (taken.some((other) => Math.abs(other.y - y) < 20 && other.x < x + width && x < other.x + other.width) && y < this.#height - 20) y += 20
    taken.push({ x, y, width })
    this.#context.globalAlpha = alpha
    this.#context.fillStyle = colour
    this.#context.beginPath()
    this.#context.roundRect(x, y, width, 19, 4)
    this.#context.fill()
    this.#context.fillStyle = '#0b0f10'
    this.#context.textBaseline = 'middle'
    this.#context.fillText(label, x + 6, y + 10)
    this.#context.globalAlpha = 1
  }

  #pick(picking: Picking): void {
    const { box } = picking
    this.#context.lineWidth = 1.5
    if (box) {
      const [x, y, width, height] = this.#scaled(box)
      this.#context.fillStyle = 'rgba(255, 255, 255, 0.12)'
      this.#context.fillRect(x, y, width, height)
      this.#context.strokeStyle = HALO
      this.#context.strokeRect(x + 1, y + 1, width, height)
      this.#context.strokeStyle = '#fff'
      this.#context.strokeRect(x, y, width, height)
    }
    if (!('cross' in picking)) return
    const [x, y] = [picking.cross[0] * this.#width, picking.cross[1] * this.#height]
    for (const [colour, lineWidth] of [
      [HALO, 5],
      ['#fff', 2],
    ] as const) {
      this.#context.strokeStyle = colour
      this.#context.lineWidth = lineWidth
      this.#context.beginPath()
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const) {
        this.#context.moveTo(x + dx * 5, y + dy * 5)
        this.#context.lineTo(x + dx * 14, y + dy * 14)
      }
      this.#context.stroke()
    }
  }

  #shape(rle: Rle): MaskShape {
    const known = this.#shapes.get(rle)
    if (known) return known
    const made = maskShape(rle)
    this.#shapes.set(rle, made)
    return made
  }

  #stroke(path: Path2D, colour: string, width: number): void {
    this.#context.strokeStyle = HALO
    this.#context.lineWidth = width + 2.5
    this.#context.stroke(path)
    this.#context.strokeStyle = colour
    this.#context.lineWidth = width
    this.#context.stroke(path)
  }

  #scaled([x0, y0, x1, y1]: Box): readonly [number, number, number, number] {
    return [x0 * this.#width, y0 * this.#height, (x1 - x0) * this.#width, (y1 - y0) * this.#height]
  }
}

function centre(box: Box, axis: 0 | 1): number {
  return axis === 0 ? (box[0] + box[2]) / 2 : (box[1] + box[3]) / 2
}

function corners(path: Path2D, x: number, y: number, width: number, height: number): void {
  const arm = Math.max(6, Math.min(22, width / 3, height / 3))
  for (const [cornerX, cornerY, toX, toY] of [
    [x, y, 1, 1],
    [x + width, y, -1, 1],
    [x + width, y + height, -1, -1],
    [x, y + height, 1, -1],
  ] as const) {
    path.moveTo(cornerX + toX * arm, cornerY)
    path.lineTo(cornerX, cornerY)
    path.lineTo(cornerX, cornerY + toY * arm)
  }
}
