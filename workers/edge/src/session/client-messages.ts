import { ClientMessage, ProtocolError, toProtocolError } from '@fovea/protocol'
import type { ClientLink } from './client-link.ts'
import { obeyRun } from './runs.ts'
import type { Session } from './session.ts'

/** Text beyond this is refused unread; the largest honest message is a workflow graph. */
const MAX_TEXT = 256 * 1024

type Of = { of?: string }

/** What a client says, as text or as a frame. Whatever comes, it is answered here and the session goes on [WI2]. */
export function hearClient(session: Session, link: ClientLink, data: string | ArrayBuffer): void {
  const refused: Of = {}
  try {
    if (typeof data === 'string') obey(session, link, read(link, data, refused))
    else takeFrame(session, link, data)
  } catch (thrown) {
    const error = toProtocolError(thrown)
    link.say({ type: 'error', ...error.body(), ...refused })
    if (error.code === 'invalid-message' && link.misbehaved()) session.hangUp(link, 'protocol', 'more than 20 invalid messages in a minute')
  }
  // Every message may be answered, and Workers have no backpressure: what nobody reads stays in memory.
  if (link.overfull) session.hangUp(link, 'overloaded', 'more than a thousand messages are unread')
}

function takeFrame(session: Session, link: ClientLink, bytes: ArrayBuffer): void {
  if (!link.attachment.resumed) throw new ProtocolError('invalid-message', 'The first message on a socket is session-resume; a frame came.')
  if (!link.isOwner) throw new ProtocolError('forbidden', 'A viewer reads only; frames come from the owner.')
  session.frames.frame(link, bytes)
}

function read(link: ClientLink, text: string, refused: Of): ClientMessage {
  if (text.length > MAX_TEXT)
    throw new ProtocolError('invalid-message', `A message holds at most ${MAX_TEXT} characters; ${text.length} came.`, { expected: MAX_TEXT, got: text.length })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new ProtocolError('invalid-message', 'A text message is one JSON object; this was no JSON.')
  }
  refused.of = idIn(json)
  const parsed = ClientMessage.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const where = issue && issue.path.length > 0 ? ` at ${issue.path.join('.')}` : ''
    throw new ProtocolError('invalid-message', `This message is not one of the protocol's${where}: ${issue?.message ?? 'unknown'}.`.slice(0, 500))
  }
  if (!link.attachment.resumed && parsed.data.type !== 'session-resume')
    throw new ProtocolError('invalid-message', `The first message on a socket is session-resume; ${parsed.data.type} came.`)
  return parsed.data
}

/** The id that a message gives to what it starts, even where the rest of it is wrong: the sender waits for an answer under it. */
function idIn(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  for (const name of ['ask', 'watch', 'track', 'turn', 'run', 'request']) {
    const id: unknown = Reflect.get(json, name)
    if (typeof id === 'string' && id.length <= 64) return id
  }
  // A stream has a number of its own choosing; where opening one is refused, this is its name.
  const stream: unknown = Reflect.get(json, 'stream')
  return typeof stream === 'number' ? `stream/${stream}` : undefined
}

function obey(session: Session, link: ClientLink, message: ClientMessage): void {
  switch (message.type) {
    case 'session-resume':
      if (link.attachment.resumed) throw new ProtocolError('invalid-message', 'session-resume comes once, first on a socket.')
      return session.resume(link, message)
    case 'ack':
      link.ack(message.received)
      return session.pump(link)
    case 'picture-get':
      return session.pictures.get(link, message)
    default:
      if (!link.isOwner) throw new ProtocolError('forbidden', `A viewer reads only; ${message.type} comes from the owner.`)
  }
  switch (message.type) {
    case 'stream-open': {
      const { type: _, ...body } = message
      return session.openStream(body)
    }
    case 'stream-close':
      return session.closeStream(message.stream)
    case 'stream-pause':
      return session.pauseStream(message.stream, message.paused)
    case 'ask-start': {
      const { type: _, ...body } = message
      return session.asks.start(body)
    }
    case 'ask-cancel':
      return session.asks.cancel(message.ask)
    case 'watch-start': {
      const { type: _, ...body } = message
      session.streams.get(message.stream)
      return session.standing.startWatch(body)
    }
    case 'watch-stop':
      return session.standing.stopWatch(message.watch, 'stopped by the client')
    case 'track-start': {
      const { type: _, ...body } = message
      session.streams.get(message.stream)
      return session.standing.startTrack(body)
    }
    case 'track-stop':
      return session.standing.stopTrack(message.track, 'stopped by the client')
    case 'session-end':
      return session.end('ended by the client')
    case 'turn-start':
    case 'turn-cancel':
      return obeyRun(session, message)
    case 'workflow-start':
    case 'workflow-cancel':
      return obeyRun(session, message)
  }
}
