import type { Lane } from './lanes.ts'

/** What is in view, in one sentence for those who hear the page. Said again only when it changes. */
export function inViewWords(lanes: readonly Lane[]): string {
  const standing = lanes.filter((lane) => lane.kind !== 'moment' && lane.state !== 'ended' && lane.state !== 'waiting')
  if (standing.length === 0) return ''
  const there = standing.filter((lane) => lane.stretches.at(-1)?.open)
  const away = standing.filter((lane) => !lane.stretches.at(-1)?.open)
  return [there.length > 0 && `In view: ${titles(there)}.`, away.length > 0 && `Not in view: ${titles(away)}.`].filter(Boolean).join(' ')
}

function titles(lanes: readonly Lane[]): string {
  return lanes.map((lane) => lane.title).join(', ')
}
