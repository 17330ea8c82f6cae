/** Numbers rounded to bfloat16, as bits: half the room, and what predictors of SAM's class keep between frames. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  // To the nearest, halfway to the even one; the carry may run into the exponent, as it should.
  return Uint16Array.from(bits, (bit) => (bit + 0x7fff + ((bit >>> 16) & 1)) >>> 16)
}

export function fromBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length)
  for (let index = 0; index < halves.length; index++) bits[index] = (halves[index] ?? 0) << 16
  return new Float32Array(bits.buffer)
}
