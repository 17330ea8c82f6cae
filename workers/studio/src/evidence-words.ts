import type { Evidence } from '@fovea/protocol'

/** A run of the answer's text and the evidence it rests on; no evidence = plain words. */
export type WordRun = { text: string; evidence: string[] }

/**
 * Cuts an answer at the borders of its evidence's `words`. Ranges may overlap, touch, or reach past the text while the
 * answer still comes: what is not there yet is left out, and every letter is in exactly one run.
 */
export function wordRuns(text: string, evidence: readonly Pick<Evidence, 'id' | 'words'>[]): WordRun[] {
  const ranges = evidence.flatMap(({ id, words }) => {
    if (!words) return []
    const [start, end] = [Math.min(words[0], text.length), Math.min(words[1], text.length)]
    return start < end ? [{ id, start, end }] : []
  })
  const borders = [...new Set([0, text.length, ...ranges.flatMap(({ start, end }) => [start, end])])].toSorted((a, b) => a - b)
  return borders.slice(1).map((end, index) => {
    const start = borders[index] ?? 0
    return { text: text.slice(start, end), evidence: ranges.filter((range) => range.start <= start && range.end >= end).map(({ id }) => id) }
  })
}
