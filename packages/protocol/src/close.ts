/** Close codes of Fovea's sockets (spec section 10). */
export const CLOSE = {
  normal: 1000,
  auth: 1008,
  tooBig: 1009,
  restart: 1012,
  overloaded: 1013,
  replaced: 4001,
  ticketUsed: 4003,
  rate: 4008,
  fenced: 4009,
  protocol: 4010,
  ended: 4011,
} as const
export type CloseName = keyof typeof CLOSE
/** Codes after which a client must not come back by itself. */
export const FINAL_CLOSES: ReadonlySet<number> = new Set([CLOSE.auth, CLOSE.replaced, CLOSE.protocol, CLOSE.ended])
