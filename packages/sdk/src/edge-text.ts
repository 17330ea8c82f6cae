import type { EdgeMessage, SessionEvent, TransientMessage } from '@fovea/protocol'

// A record, so that the compiler misses none of the names when the protocol grows.
const TRANSIENT: Record<TransientMessage['type'], true> = {
  'session-ready': true,
  'stream-window': true,
  'frame-seen': true,
  'frame-dropped': true,
  'frames-settled': true,
  'head-partial': true,
  stats: true,
  'session-reset': true,
  error: true,
}

/**
 * A text message of the edge. The edge wrote it with the schemas of the protocol, so here only its frame is checked:
 * validating again would put the schema library into every browser bundle.
 */
export function parseEdgeText(text: string): EdgeMessage | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isEdgeMessage(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Durable events have a `seq` of their own; the rest is said once and forgotten [EV1]. */
export function isDurable(message: EdgeMessage): message is SessionEvent {
  return !Object.hasOwn(TRANSIENT, message.type)
}

function isEdgeMessage(value: unknown): value is EdgeMessage {
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') return false
  return Object.hasOwn(TRANSIENT, value.type) || ('seq' in value && typeof value.seq === 'number')
}
