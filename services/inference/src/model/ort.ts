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
export type RunnerOptions = { provider: Provider; threads: number }

export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const
export type Provider = (typeof PROVIDERS)[number]

/** The only door to onnxruntime-node. `run` of that library blocks its thread, so all of this lives in the model thread. */
export async function openRunner(file: string, { provider, threads }: RunnerOptions): Promise<Runner> {
  const session = await InferenceSession.create(file, {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    // Spinning threads take the cores that decode pictures.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
  const names = session.outputNames
  return {
    inputs: session.inputMetadata.map(port),
    outputs: session.outputMetadata.map(port),
    async run(feeds, into) {
      const given: Record<string, OrtTensor> = {}
      for (const name in feeds) given[name] = toOrt(feeds[name])
      if (!into) return fromOrt(await session.run(given))
      const fetches: Record<string, OrtTensor | null> = {}
      for (const name of names) fetches[name] = into[name] ? toOrt(into[name]) : null
      return fromOrt(await session.run(given, fetches))
    },
    close: () => session.release(),
  }
}

function port(meta: InferenceSession.ValueMetadata): Port {
  return meta.isTensor ? { name: meta.name, type: meta.type, dims: meta.shape } : { name: meta.name, type: 'not a tensor', dims: [] }
}

function toOrt(tensor: Tensor | undefined): OrtTensor {
  if (!tensor) throw new TypeError('A tensor is missing.')
  switch (tensor.type) {
    case 'float32':
      return new OrtTensor('float32', tensor.data, tensor.dims)
    case 'int64':
      return new OrtTensor('int64', tensor.data, tensor.dims)
    case 'uint8':
      return new OrtTensor('uint8', tensor.data, tensor.dims)
  }
}

function fromOrt(values: InferenceSession.ReturnType): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {}
  for (const name in values) {
    const value = values[name]
    if (!(value instanceof OrtTensor)) throw new TypeError(`Output ${name} is not a tensor.`)
    const { data, dims } = value
    if (data instanceof Float32Array) tensors[name] = { type: 'float32', data, dims }
    else if (data instanceof BigInt64Array) tensors[name] = { type: 'int64', data, dims }
    else if (data instanceof Uint8Array) tensors[name] = { type: 'uint8', data, dims }
    else throw new TypeError(`Output ${name} holds ${value.type}; the runtime reads float32, int64 and uint8.`)
  }
  return tensors
}
