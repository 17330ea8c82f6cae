/** The little a Fovea socket needs of a WebSocket, so that browsers, Node and tests can each bring their own. */
export interface WireSocket {
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  /** ends it as a network would, without a word to the other side where the platform can do that */
  drop(): void
}

export type WireHandlers = {
  open(): void
  text(text: string): void
  binary(bytes: ArrayBuffer): void
  /** exactly once, also when the socket never opened (code 1006) */
  close(code: number, reason: string): void
}

/** Opens a socket; it reports everything, failure too, through the handlers. */
export type OpenWire = (url: string, protocols: readonly string[], handlers: WireHandlers) => WireSocket
