import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A new evidence id: `ev_` and a ULID, so that ids sort by time. */
export function evidenceId(now: number = Date.now()): string {
  let time = ''
  for (let rest = Math.floor(now), place = 0; place < 10; place++, rest = Math.floor(rest / 32)) time = ALPHABET.charAt(rest % 32) + time
  let random = ''
  for (const byte of randomBytes(16)) random += ALPHABET.charAt(byte & 31)
  return `ev_${time}${random}`
}
