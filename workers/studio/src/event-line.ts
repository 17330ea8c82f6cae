import type { Evidence, SessionEvent } from '@fovea/protocol'
import { promptTitle } from './lanes.ts'
import { clock, score, span } from './time-text.ts'

/** One line that says what an event says, for a reader who scans; the JSON is a click away. */
export function eventLine(event: SessionEvent): string {
  switch (event.type) {
    case 'session-started':
      return event.session
    case 'session-ended':
      return event.because
    case 'session-state':
      return `${event.state}: ${event.because}`
    case 'stream-opened':
      return `stream ${event.stream}, ${event.policy}${event.name ? `, ${event.name}` : ''}`
    case 'stream-closed':
      return `stream ${event.stream}: ${event.because}`
    case 'ask-accepted':
      return `“${event.text}”${event.tasks ? ` as ${event.tasks.join(', ')}` : ''}`
    case 'answer-delta':
      return JSON.stringify(event.text)
    case 'head-started':
      return `${event.token} for “${event.query}”`
    case 'head-result':
      return evidenceLine(event.evidence)
    case 'answer-ended':
      return event.error
        ? `${event.error.code}: ${event.error.message}`
        : `${event.finish} after ${span(event.usage.totalMs)}, ${event.usage.answerTokens} tokens`
    case 'watch-started':
      return `“${event.query}” as ${event.task}${event.standing ? '' : ', asked again on a schedule'}`
    case 'watch-stopped':
    case 'track-ended':
      return event.error ? `${event.error.code}: ${event.error.message}` : event.because
    case 'track-started':
      return promptTitle(event.prompt)
    case 'track-confirmed':
    case 'track-lost':
    case 'track-found':
      return `${clock(event.mediaTime)}, frame ${event.frame}, score ${score(event.score)}`
    case 'track-gap':
      return `not seen from ${clock(event.from)} to ${clock(event.to)}`
    case 'turn-started':
      return `“${event.text}”`
    case 'turn-delta':
      return JSON.stringify(event.text)
    case 'tool-called':
      return `${event.tool}(${JSON.stringify(event.input)})`
    case 'tool-returned':
      return event.error ? `${event.tool}: ${event.error.message}` : `${event.tool}: ${event.content}`
    case 'turn-ended':
      return event.error ? event.error.message : event.text
    case 'workflow-started':
      return event.name
    case 'workflow-step-ended':
      return `${event.step} (${event.kind}) after ${span(event.ms)}${event.next ? `, then ${event.next}` : ''}`
    case 'workflow-event':
      return `${event.name} from ${event.step}`
    case 'workflow-ended':
      return event.error ? event.error.message : event.finish
  }
}

/** What a piece of evidence says: where, how sure, or that it is not there [PE2]. */
export function evidenceLine({ regions, mask, spans, box, score: sure, mediaTime }: Evidence): string {
  const [when, how] = [clock(mediaTime), score(sure)]
  if (spans) return spans.length === 0 ? `no such moment · ${how}` : `${spans.map(({ start, end }) => `${clock(start)}–${clock(end)}`).join(', ')} · ${how}`
  if (mask) return `outline · ${when} · ${how}`
  const boxes = regions?.length ?? (box ? 1 : 0)
  return boxes === 0 ? `not in view · ${how}` : `${boxes === 1 ? 'one box' : `${boxes} boxes`} · ${when} · ${how}`
}
