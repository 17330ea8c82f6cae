/** Numbers rounded to bfloat16, as bits: half the room, and what predictors of SAM's class keep between frames. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(bits.length)
  // A plain loop: `from` with a function makes an object of every number on the way, 10 MB a frame of garbage where three objects are followed.
  for (let index = 0; index < bits.length; index++) {
    const bit = bits[index] ?? 0
    // To the nearest, halfway to the even one; the carry may run into the exponent, as it should.
    halves[index] = (bit + 0x7fff + ((bit >>> 16) & 1)) >>> 16
  }
  return halves
}

/** The numbers that the bits stand for, written into `into` from `at` on. */
export function fromBfloat16(halves: Uint16Array, into: Float32Array, at = 0): Float32Array {
  const bits = new Uint32Array(into.buffer, into.byteOffset + at * Float32Array.BYTES_PER_ELEMENT, halves.length)
  for (let index = 0; index < halves.length; index++) bits[index] = (halves[index] ?? 0) << 16
  return into
}
