import type { SessionState } from '@fovea/protocol'
import type { Connection } from '@fovea/sdk/browser'
import { byId } from './element.ts'

export type Health = { tone: 'good' | 'busy' | 'bad' | 'quiet'; words: string; detail: string }

/** The state of the session and its socket, as one of four tones and a word or two. */
export function health(connection: Connection | undefined, state: SessionState): Health {
  if (!connection) return { tone: 'busy', words: 'Connecting', detail: 'Opening a session.' }
  if (connection.state === 'closed')
    return { tone: 'bad', words: 'Closed', detail: connection.because ?? 'The session is closed. Reload the page for a new one.' }
  if (connection.state === 'connecting')
    return { tone: 'busy', words: 'Reconnecting', detail: `${connection.because ?? 'The connection is away.'} The session waits, nothing is lost.` }
  switch (state) {
    case 'live':
      return { tone: 'good', words: 'Live', detail: 'Frames reach the model.' }
    case 'idle':
      return { tone: 'quiet', words: 'Ready', detail: 'Connected. Choose a source to begin.' }
    case 'attaching':
      return { tone: 'busy', words: 'Waking the model', detail: 'A backend is being attached to this session.' }
    case 'paused':
      return { tone: 'quiet', words: 'Paused', detail: 'The session is paused.' }
    case 'degraded':
      return { tone: 'bad', words: 'No model', detail: 'No backend answers. Frames are not seen until one says hello; the session waits.' }
    case 'ended':
      return { tone: 'bad', words: 'Ended', detail: 'The session has ended. Reload the page for a new one.' }
  }
}

export function showHealth({ tone, words, detail }: Health): void {
  const pill = byId('connection', HTMLElement)
  pill.dataset.tone = tone
  pill.title = detail
  const text = pill.lastElementChild
  if (text && text.textContent !== words) text.textContent = words
}
