const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** A fresh id that sorts by time: `<prefix>_` and 26 characters of Crockford base 32 in lower case, as in a ULID. */
export function newId(prefix: string, now = Date.now()): string {
  let time = now
  let text = ''
  for (let index = 0; index < 10; index++) {
    text = ALPHABET.charAt(time % 32) + text
    time = Math.floor(time / 32)
  }
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += ALPHABET.charAt(byte % 32)
  return `${prefix}_${text}`
}
