/** Lower case, punctuation gone, single spaces: answers are compared like this. */
export function normalised(text: string): string {
  return text
    .replaceAll(/[.,!?]/g, ' ')
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .join(' ')
}

export function isExact(answer: string, right: readonly string[]): boolean {
  return right.some((text) => normalised(text) === normalised(answer))
}

/** What a list names: 'Dog, hot dog and cat.' → dog, hot dog, cat. */
export function namesIn(text: string): Set<string> {
  const parts = text.replaceAll(' and ', ',').split(',')
  return new Set(parts.map(normalised).filter(Boolean))
}

/** The share of asks that the commonest answer gets. */
export function bestConstantText(asks: readonly (readonly string[])[]): number {
  const counts = new Map<string, number>()
  for (const [first = ''] of asks) counts.set(normalised(first), (counts.get(normalised(first)) ?? 0) + 1)
  return asks.length === 0 ? 0 : Math.max(...counts.values()) / asks.length
}
