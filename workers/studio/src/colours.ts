/** Nine hues that stay apart on video, on white and on black; label text on them is always near-black. */
export const PALETTE = ['#2dd4bf', '#fbbf24', '#60a5fa', '#f472b6', '#a3e635', '#a78bfa', '#fb923c', '#22d3ee', '#f87171'] as const

/**
 * A colour for every name, the same for as long as the page lives: a watch, a track or a phrase keeps its colour wherever
 * it is drawn. A name takes the hue its letters point to, or the next one that no other name has while hues are left.
 */
export class ColourBook {
  readonly #slots = new Map<string, number>()
  readonly #users = Array.from<number>({ length: PALETTE.length }).fill(0)

  of(name: string): string {
    const slot = this.#slots.get(name) ?? this.#assign(name)
    return PALETTE[slot] ?? PALETTE[0]
  }

  #assign(name: string): number {
    const first = hash(name) % PALETTE.length
    const fewest = Math.min(...this.#users)
    let slot = first
    while ((this.#users[slot] ?? 0) > fewest) slot = (slot + 1) % PALETTE.length
    this.#users[slot] = (this.#users[slot] ?? 0) + 1
    this.#slots.set(name, slot)
    return slot
  }
}

// FNV-1a: ids that differ in one letter land on different hues.
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
