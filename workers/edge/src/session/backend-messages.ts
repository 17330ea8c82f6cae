import { FromBackend } from '@fovea/protocol'
import type { BackendLink } from './backend-link.ts'
import type { Session } from './session.ts'

/** What the backend of a session says as text. A message that is none of ours is ignored: a newer backend may say more than this edge knows. */
export function hearBackend(session: Session, link: BackendLink, text: string): void {
  const value = parseJson(text)
  for (const one of Array.isArray(value) ? value : [value]) {
    const parsed = FromBackend.safeParse(one)
    if (parsed.success) obey(session, link, parsed.data)
  }
}

function obey(session: Session, link: BackendLink, message: FromBackend): void {
  switch (message.type) {
    case 'session-attached':
      if (message.epoch === link.attachment.epoch) session.backing.attached(link, message)
      return
    case 'load':
      if (message.modelThread === 'hung') session.backing.lose('its model thread hangs')
      return
    case 'head-partial':
      return session.clients.tellTheQuick(message)
    case 'answer-ended':
    case 'answer-delta':
    case 'head-started':
    case 'head-result':
      return session.asks.answer(message)
    case 'error': {
      const { type: _, of, ...error } = message
      if (of === undefined || session.pictures.refused(of, error) || session.standing.refused(of, error)) return
      return session.asks.end(of, 'error', error)
    }
    default:
      return session.standing.hear(message)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
