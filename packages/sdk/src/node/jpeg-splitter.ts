const SOI = 0xd8
const EOI = 0xd9

/** Cuts a byte stream of concatenated JPEGs into pictures: it walks the segments, so a thumbnail inside one does not end it. */
export class JpegSplitter {
  #bytes: Uint8Array = new Uint8Array(0)
  readonly #limit: number

  constructor({ limit = 32 * 1024 * 1024 }: { limit?: number } = {}) {
    this.#limit = limit
  }

  /** Whole pictures that end in this chunk. Throws RangeError where the bytes are no JPEG, or one grows past the limit. */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = new Uint8Array(this.#bytes.byteLength + chunk.byteLength)
    bytes.set(this.#bytes)
    bytes.set(chunk, this.#bytes.byteLength)
    const pictures: Uint8Array[] = []
    let start = 0
    for (;;) {
      const end = endOfJpeg(bytes, start)
      if (end === undefined) break
      pictures.push(bytes.slice(start, end))
      start = end
    }
    this.#bytes = bytes.slice(start)
    if (this.#bytes.byteLength > this.#limit) throw new RangeError(`A picture of the pipe is larger than ${this.#limit} bytes. Is it concatenated JPEG?`)
    return pictures
  }

  /** Bytes of a picture that never ended. */
  get rest(): number {
    return this.#bytes.byteLength
  }
}

/** Where the JPEG at `start` ends, or undefined when more bytes are needed. */
function endOfJpeg(bytes: Uint8Array, start: number): number | undefined {
  if (bytes.byteLength - start < 4) return undefined
  if (bytes[start] !== 0xff || bytes[start + 1] !== SOI)
    throw new RangeError(`Concatenated JPEG was expected; a picture starts with FF D8, ${hex(bytes, start)} came.`)
  let at = start + 2
  for (;;) {
    if (at + 1 >= bytes.byteLength) return undefined
    if (bytes[at] !== 0xff) {
      // Entropy-coded data: FF 00 is a byte of it, FF D0–D7 restart it, any other FF xx is the next segment.
      const next = bytes.indexOf(0xff, at)
      if (next < 0) return undefined
      at = next
      if (at + 1 >= bytes.byteLength) return undefined
      const code = bytes[at + 1] ?? 0
      if (code === 0 || (code >= 0xd0 && code <= 0xd7)) at += 2
      continue
    }
    const marker = bytes[at + 1] ?? 0
    if (marker === EOI) return at + 2
    if (marker === 0xff) at += 1
    else if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= SOI)) at += 2
    else {
      if (at + 3 >= bytes.byteLength) return undefined
      at += 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
    }
  }
}

function hex(bytes: Uint8Array, at: number): string {
  return Array.from(bytes.subarray(at, at + 2), (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(' ')
}
