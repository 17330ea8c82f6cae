import type { Box } from '@fovea/protocol'
import { glide } from './motion.ts'
import type { Shape } from './scene.ts'

/** The last step before the eye: corrections glide, unless the user asked for less motion; then boxes stay where a verdict put them. */
export class Glider {
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)')
  readonly #drawn = new Map<string, Box>()
  #at = 0

  settle(shapes: readonly Shape[], now: number): Shape[] {
    const elapsed = now - this.#at
    this.#at = now
    const keys = new Set(shapes.map((shape) => shape.key))
    for (const key of this.#drawn.keys()) if (!keys.has(key)) this.#drawn.delete(key)
    if (this.#still.matches) return shapes.map((shape) => ({ ...shape, box: shape.told, trail: [] }))
    return shapes.map((shape) => {
      const before = this.#drawn.get(shape.key)
      const box = before ? glide(before, shape.box, elapsed) : shape.box
      this.#drawn.set(shape.key, box)
      return { ...shape, box }
    })
  }
}
