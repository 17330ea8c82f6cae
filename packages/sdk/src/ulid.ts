const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A ULID: 48 bits of time, 80 random bits, 26 characters that sort by time. The id of an ask is its idempotency key [AS1]. */
export function ulid(now = Date.now()): string {
  let time = ''
  for (let index = 0, rest = now; index < 10; index++, rest = Math.floor(rest / 32)) time = ALPHABET.charAt(rest % 32) + time
  const random = crypto.getRandomValues(new Uint8Array(16))
  return time + Array.from(random, (byte) => ALPHABET.charAt(byte % 32)).join('')
}
