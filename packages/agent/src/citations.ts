const CITATION = /\[\s*(ev_[0-9A-Za-z]{10,40}(?:\s*,\s*ev_[0-9A-Za-z]{10,40})*)\s*\]/g

/** Evidence ids that a text cites in brackets, `[ev_…]`, each once, in order. */
export function citedEvidence(text: string): string[] {
  const ids = [...text.matchAll(CITATION)].flatMap((match) => (match[1] ?? '').split(',').map((id) => id.trim()))
  return [...new Set(ids)]
}
