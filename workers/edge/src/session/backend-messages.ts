import { FromBackend } from '@fovea/protocol'
import type { ErrorBody } from '@fovea/protocol'
import type { BackendLink } from './backend-link.ts'
import type { Session } from './session.ts'

/** An error is said in a few sentences; a backend's own might fill an event. */
const MAX_WORDS = 500
/** Kinds of messages that were not understood: each is logged once by this isolate. */
const strange = new Set<string>()
const MAX_STRANGE = 100

/** What the backend of a session says as text. A message that is none of ours changes nothing: a newer backend may say more than this edge knows. */
export function hearBackend(session: Session, link: BackendLink, text: string): void {
  const value = parseJson(text)
  for (const one of Array.isArray(value) ? value : [value]) {
    const parsed = FromBackend.safeParse(one)
    if (parsed.success) obey(session, link, withBriefError(parsed.data))
    else logOnce(one, parsed.error.issues[0])
  }
}

function withBriefError(message: FromBackend): FromBackend {
  if (message.type === 'error') return { ...message, ...brief(message) }
  return 'error' in message && message.error ? { ...message, error: brief(message.error) } : message
}

function brief({ message, expected, got, ...error }: ErrorBody): ErrorBody {
  const cut = (value: string | number) => (typeof value === 'string' ? value.slice(0, MAX_WORDS) : value)
  return {
    ...error,
    message: message.slice(0, MAX_WORDS),
    ...(expected !== undefined && { expected: cut(expected) }),
    ...(got !== undefined && { got: cut(got) }),
  }
}

function logOnce(message: unknown, issue: { path: PropertyKey[]; message: string } | undefined): void {
  const type: unknown = typeof message === 'object' && message !== null ? Reflect.get(message, 'type') : undefined
  const kind = typeof type === 'string' ? type.slice(0, 40) : 'no message'
  if (strange.has(kind) || strange.size >= MAX_STRANGE) return
  strange.add(kind)
  console.warn(`A backend said ${kind}, which this edge does not understand: ${issue?.path.join('.') ?? ''} ${issue?.message.slice(0, 200) ?? ''}`)
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
