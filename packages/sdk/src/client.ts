import type { Evidence, SessionCreated, TicketCreated } from '@fovea/protocol'
import { openWire as platformWire } from '#websocket'
import { Rest } from './rest.ts'
import { Session } from './session.ts'
import type { Ticket } from './socket.ts'
import type { OpenWire } from './websocket.ts'

/** A new session with an API key; in a page that Fovea serves itself the key may be left out, its cookie stands in. */
export type NewSession = { url: string | URL; key?: string; name?: string; model?: string; session?: never; created?: never }
/** A session that stands already: `lastSeq` is the last event the program had read, 0 to read the whole log again. */
export type ResumedSession = { url: string | URL; session: string; resumeKey: string; lastSeq?: number; key?: string; created?: never }
/** What your server got from `POST /v1/sessions` and handed to this page, so that the key stays on the server. */
export type HandedSession = { created: SessionCreated; session?: never; key?: never }
export type OpenOptions = (NewSession | ResumedSession | HandedSession) & {
  /** a WebSocket of your own, for tests and unusual platforms */
  openWire?: OpenWire
}

/**
 * Opens a session and resolves when the edge has answered.
 * @example
 * const session = await openSession({ url: 'http://127.0.0.1:8787', key })
 * const answer = await session.ask('where is the dog?')
 */
export async function openSession({ openWire = platformWire, ...options }: OpenOptions): Promise<Session> {
  const { created, rest, lastSeq } = await sessionOf(options)
  let first: Ticket | undefined = 'wsUrl' in created ? created : undefined
  const session = new Session({
    id: created.session,
    resumeKey: created.resumeKey,
    openWire,
    lastSeq,
    ticket: async () => {
      const ticket = first ?? (await rest.post(`/v1/sessions/${created.session}/tickets`, { resumeKey: created.resumeKey }, isTicket))
      first = undefined
      return ticket
    },
    findEvidence: (id) => rest.find(`/v1/sessions/${created.session}/evidence/${encodeURIComponent(id)}`, isEvidence),
  })
  await session.ready
  return session
}

type Opened = { created: SessionCreated | { session: string; resumeKey: string }; rest: Rest; lastSeq: number }

async function sessionOf(options: NewSession | ResumedSession | HandedSession): Promise<Opened> {
  if (options.created) {
    // The socket's own address tells where tickets are to be had.
    const origin = new URL(options.created.wsUrl.replace(/^ws/, 'http')).origin
    return { created: options.created, rest: new Rest(origin, undefined), lastSeq: 0 }
  }
  const rest = new Rest(options.url, options.key)
  if (options.session !== undefined) {
    return { created: { session: options.session, resumeKey: options.resumeKey }, rest, lastSeq: options.lastSeq ?? 0 }
  }
  const { name, model } = options
  return { created: await rest.post('/v1/sessions', { ...(name && { name }), ...(model && { model }) }, isCreated), rest, lastSeq: 0 }
}

function isCreated(value: unknown): value is SessionCreated {
  return isTicket(value) && 'session' in value && typeof value.session === 'string' && 'resumeKey' in value && typeof value.resumeKey === 'string'
}

function isTicket(value: unknown): value is TicketCreated {
  return (
    typeof value === 'object' && value !== null && 'wsUrl' in value && typeof value.wsUrl === 'string' && 'protocols' in value && Array.isArray(value.protocols)
  )
}

function isEvidence(value: unknown): value is Evidence {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string' && 'task' in value
}
