import { openSession, type Session } from '@fovea/sdk/browser'
import { App } from './app.ts'
import { showHealth } from './connection.ts'
import { Notices } from './notices.ts'
import { forget, remember, remembered } from './session-memory.ts'

const notices = new Notices()
const session = await open()
if (session) new App(session, notices).start()

/** The session this tab had before a reload, or a new one; the page's own cookie is its key [SE1]. */
async function open(): Promise<Session | undefined> {
  const url = location.origin
  const before = remembered()
  try {
    const opened = (before && (await openSession({ url, ...before, lastSeq: 0 }).catch(() => undefined))) ?? (await openSession({ url, name: 'studio' }))
    if (opened.resumeKey) remember({ session: opened.id, resumeKey: opened.resumeKey })
    return opened
  } catch (error) {
    forget()
    notices.error('No session could be opened', error)
    showHealth({ tone: 'bad', words: 'Not connected', detail: 'No session could be opened. Reload the page to try again.' })
    return undefined
  }
}
