/** A tensor as the runtime handles it: flat data and its dimensions. Only the element types that bundles use; halves are kept as their bits. */
export type FloatTensor = { type: 'float32'; data: Float32Array; dims: readonly number[] }
export type HalfTensor = { type: 'float16'; data: Uint16Array; dims: readonly number[] }
export type IntTensor = { type: 'int64'; data: BigInt64Array; dims: readonly number[] }
export type ShortIntTensor = { type: 'int32'; data: Int32Array; dims: readonly number[] }
export type ByteTensor = { type: 'uint8'; data: Uint8Array; dims: readonly number[] }
/** A tensor that stays on the device; only the runtime that made it can read it. */
export type DeviceTensor = { type: 'device'; handle: object; dims: readonly number[]; dispose: () => void }
/** A tensor whose numbers this side can read. */
export type HostTensor = FloatTensor | HalfTensor | IntTensor | ShortIntTensor | ByteTensor
export type Tensor = HostTensor | DeviceTensor

export const floats = (data: Float32Array, dims: readonly number[]): FloatTensor => ({ type: 'float32', data, dims })
export const halves = (data: Uint16Array, dims: readonly number[]): HalfTensor => ({ type: 'float16', data, dims })
export const bytes = (data: Uint8Array, dims: readonly number[]): ByteTensor => ({ type: 'uint8', data, dims })
export const ints = (values: readonly number[], dims: readonly number[]): IntTensor => ({ type: 'int64', data: BigInt64Array.from(values, BigInt), dims })
export const int32s = (values: readonly number[], dims: readonly number[]): ShortIntTensor => ({ type: 'int32', data: Int32Array.from(values), dims })

/** Rows put one after the other: Q vectors of one width as [Q, width]. */
export function stack(rows: readonly Float32Array[]): FloatTensor {
  const width = rows[0]?.length ?? 0
  const data = new Float32Array(rows.length * width)
  rows.forEach((row, index) => data.set(row, index * width))
  return floats(data, [rows.length, width])
}

/**
 * Gives the room of tensors back now; nobody may read them any more. Left to the collector, the megabytes of each frame make it walk the whole heap every
 * few frames, and each new array is fetched from the system and zeroed.
 */
export function release(...tensors: readonly (Tensor | undefined)[]): void {
  for (const tensor of tensors) {
    if (tensor?.type === 'device') tensor.dispose()
    else if (tensor?.data.buffer instanceof ArrayBuffer) tensor.data.buffer.transfer(0)
  }
}
