import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import type { Tensor } from './tensor.ts'

/** A loaded graph, by the names its file gives. */
export interface Runner {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** `into` names outputs that are written in place, into the tensors given. */
  run(feeds: Readonly<Record<string, Tensor>>, into?: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>
  close(): Promise<void>
}

export type Port = { name: string; type: string; dims: readonly (number | string)[] }
/** `onDevice`: outputs that stay in the memory of a GPU, to be fed again. Only webgpu can: the library has no such door to cuda. */
export type RunnerOptions = { provider: Provider; threads: number; onDevice?: readonly string[] }

export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const
export type Provider = (typeof PROVIDERS)[number]

/** The only door to onnxruntime-node. `run` of that library blocks its thread, so all of this lives in the model thread. */
export async function openRunner(file: string, { provider, threads, onDevice = [] }: RunnerOptions): Promise<Runner> {
  let session = await open(file, { provider, threads, onDevice })
  if (onDevice.length > 0 && session.outputMetadata[0]?.isTensor === false) {
    // The library looks up the place of each output it fetches by its number among those fetched; a signal that is not fetched moves them all by one.
    const names = session.outputNames
    await session.release()
    session = await open(file, { provider, threads, onDevice: onDevice.flatMap((name) => names[names.indexOf(name) - 1] ?? []) })
  }
  const ports = session.outputMetadata.map(port)
  const outputs = ports.filter(({ type }) => type !== SEQUENCE)
  const signal = ports.find(({ type }) => type === SEQUENCE)?.name
  return {
    inputs: session.inputMetadata.map(port),
    outputs,
    async run(feeds, into = {}) {
      const given: Record<string, OrtTensor> = {}
      for (const name in feeds) given[name] = toOrt(feeds[name])
      const fetches: Record<string, OrtTensor | null> = {}
      if (signal !== undefined && outputs.every(({ name }) => into[name])) {
        fetches[signal] = null
        for (const { name } of outputs) fetches[name] = toOrt(into[name])
        await session.run(given, fetches).catch(unlessSignalled)
        return { ...into }
      }
      for (const { name } of outputs) fetches[name] = into[name] ? toOrt(into[name]) : null
      return fromOrt(await session.run(given, fetches))
    },
    close: () => session.release(),
  }
}

function open(file: string, { provider, threads, onDevice = [] }: RunnerOptions): Promise<InferenceSession> {
  return InferenceSession.create(file, {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...(onDevice.length > 0 && { preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, 'gpu-buffer' as const])) }),
    // Spinning threads take the cores that decode pictures.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
}

const SEQUENCE = 'sequence'

// onnxruntime-node 1.30 copies every output into a new array, also those it was given to write into: for a key-value cache, all of it at every token.
// It reads outputs in order and stops, when everything is written, at the first that is no tensor. A graph that puts such a signal in front is spared the copy.
function unlessSignalled(error: unknown): void {
  if (!(error instanceof Error && error.message.startsWith('Non tensor type is temporarily not supported'))) throw error
}

function port(meta: InferenceSession.ValueMetadata): Port {
  return meta.isTensor ? { name: meta.name, type: meta.type, dims: meta.shape } : { name: meta.name, type: SEQUENCE, dims: [] }
}

function toOrt(tensor: Tensor | undefined): OrtTensor {
  if (!tensor) throw new TypeError('A tensor is missing.')
  switch (tensor.type) {
    case 'float32':
      return new OrtTensor('float32', tensor.data, tensor.dims)
    case 'float16':
      // The library turns the bits into a Float16Array, which its own native side of 1.30 takes for empty; that side reads this property alone.
      return Object.defineProperty(new OrtTensor('float16', tensor.data, tensor.dims), 'data', { value: tensor.data })
    case 'int64':
      return new OrtTensor('int64', tensor.data, tensor.dims)
    case 'int32':
      return new OrtTensor('int32', tensor.data, tensor.dims)
    case 'uint8':
      return new OrtTensor('uint8', tensor.data, tensor.dims)
    case 'device':
      if (tensor.handle instanceof OrtTensor) return tensor.handle
      throw new TypeError('This device tensor was made by another runtime.')
  }
}

function fromOrt(values: InferenceSession.ReturnType): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {}
  for (const name in values) {
    const value = values[name]
    if (!(value instanceof OrtTensor)) throw new TypeError(`Output ${name} is not a tensor.`)
    const { dims } = value
    if (value.location === 'gpu-buffer') {
      tensors[name] = { type: 'device', handle: value, dims, dispose: () => value.dispose() }
      continue
    }
    const { data } = value
    if (data instanceof Float32Array) tensors[name] = { type: 'float32', data, dims }
    else if (data instanceof BigInt64Array) tensors[name] = { type: 'int64', data, dims }
    else if (data instanceof Int32Array) tensors[name] = { type: 'int32', data, dims }
    else if (data instanceof Uint8Array) tensors[name] = { type: 'uint8', data, dims }
    else if (value.type === 'float16' && ArrayBuffer.isView(data)) {
      tensors[name] = { type: 'float16', data: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), dims }
    } else throw new TypeError(`Output ${name} holds ${value.type}; the runtime reads float32, float16, int64, int32 and uint8.`)
  }
  return tensors
}
