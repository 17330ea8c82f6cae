import type { Role } from '@fovea/protocol'
import type { StreamCounters } from './frame-gate.ts'

/** What a client's socket remembers across hibernation. */
export type ClientAttachment = {
  kind: 'client'
  role: Role
  /** number of the socket in this session: names the asker of a picture */
  tag: number
  /** true once `session-resume` has come [WI5] */
  resumed: boolean
  /** last event given to this socket while it lags behind the log; -1 when it has them all */
  cursor: number
  /** counters of the owner's streams [SE5] */
  streams: StreamCounters[]
  /** closed from here: until its peer answers, the platform still lists it */
  closed: boolean
}

/** What a backend's socket remembers across hibernation. */
export type BackendAttachment = {
  kind: 'backend'
  name: string
  epoch: number
  attached: boolean
  /** tracks that start from a frame which is still held here: said after it */
  late: string[]
  /** closed from here, as a client's may be */
  closed: boolean
}

const REASON_BYTES = 120

export type Attachment = ClientAttachment | BackendAttachment

/** The part of a WebSocket that a session uses: workerd's own fits, and so does a plain object in a test. */
export interface SessionSocket {
  send(message: string | ArrayBuffer | ArrayBufferView): void
  close(code?: number, reason?: string): void
  serializeAttachment(attachment: Attachment): void
  deserializeAttachment(): Attachment | null
}

/** Closes a socket that may be closed already: then there is nobody left to tell. */
export function closeQuietly(socket: SessionSocket, code: number, reason: string): void {
  try {
    socket.close(code, briefly(reason))
  } catch {
    return
  }
}

/** A close reason holds at most 123 bytes; with one byte more the socket would not close at all. */
function briefly(reason: string): string {
  const bytes = new TextEncoder().encode(reason)
  if (bytes.length <= REASON_BYTES) return reason
  return new TextDecoder().decode(bytes.subarray(0, REASON_BYTES)).replace(/\uFFFD$/, '')
}
