import type { Graph as GraphManifest, InputRole, OutputRole } from '@fovea/protocol'
import { BundleError } from './bundle-error.ts'
import type { Runner } from './ort.ts'
import type { FloatTensor, Tensor } from './tensor.ts'

export type Feeds = Partial<Record<InputRole, Tensor>>
export type Results = Partial<Record<OutputRole, Tensor>>

/** A graph of a bundle, fed and read by role: the runtime knows no input by its name. */
export class Graph {
  readonly name: string
  readonly file: string
  readonly takes: ReadonlySet<InputRole>
  readonly gives: ReadonlySet<OutputRole>
  readonly #runner: Runner
  readonly #inputs: readonly (readonly [name: string, role: InputRole])[]
  readonly #outputs: readonly (readonly [name: string, role: OutputRole])[]

  constructor(name: string, manifest: GraphManifest, runner: Runner) {
    this.name = name
    this.file = manifest.file
    this.#runner = runner
    this.#inputs = Object.entries(manifest.inputs)
    this.#outputs = Object.entries(manifest.outputs)
    this.takes = new Set(this.#inputs.map(([, role]) => role))
    this.gives = new Set(this.#outputs.map(([, role]) => role))
    sameNames(
      manifest.file,
      'inputs',
      Object.keys(manifest.inputs),
      runner.inputs.map((port) => port.name),
    )
    sameNames(
      manifest.file,
      'outputs',
      Object.keys(manifest.outputs),
      runner.outputs.map((port) => port.name),
    )
  }

  /** Takes what it needs of `feeds`; the rest is left aside, so that callers may offer all they have. */
  async run(feeds: Feeds, into: Results = {}): Promise<Results> {
    const given: Record<string, Tensor> = {}
    for (const [name, role] of this.#inputs) {
      const value = feeds[role]
      if (!value) throw new BundleError(this.file, `graph ${this.name} wants ${role}, which is not known at this point.`)
      given[name] = value
    }
    const written: Record<string, Tensor> = {}
    let inPlace = false
    for (const [name, role] of this.#outputs) {
      const value = into[role]
      if (!value) continue
      written[name] = value
      inPlace = true
    }
    const got = await this.#runner.run(given, inPlace ? written : undefined)
    const results: Results = {}
    for (const [name, role] of this.#outputs) results[role] = got[name]
    return results
  }

  /** The dimensions an input of this role has in the file; a number where it is fixed. */
  dims(role: InputRole): readonly (number | string)[] | undefined {
    const name = this.#inputs.find((input) => input[1] === role)?.[0]
    return this.#runner.inputs.find((port) => port.name === name)?.dims
  }

  /** The dimensions an output of this role has in the file. */
  outputDims(role: OutputRole): readonly (number | string)[] | undefined {
    const name = this.#outputs.find((output) => output[1] === role)?.[0]
    return this.#runner.outputs.find((port) => port.name === name)?.dims
  }

  close(): Promise<void> {
    return this.#runner.close()
  }
}

/** A float output that the graph must give. */
export function floatOf(results: Results, role: OutputRole, graph: Graph): FloatTensor {
  const value = results[role]
  if (value?.type !== 'float32')
    throw new BundleError(graph.file, `graph ${graph.name} should give ${role} as float32; ${value ? value.type : 'nothing'} came.`)
  return value
}

function sameNames(file: string, what: string, manifest: string[], graph: string[]): void {
  const extra = graph.filter((name) => !manifest.includes(name))
  const missing = manifest.filter((name) => !graph.includes(name))
  if (extra.length === 0 && missing.length === 0) return
  throw new BundleError(file, `its ${what} are ${graph.join(', ') || 'none'}; the manifest names ${manifest.join(', ') || 'none'}. Export the bundle again.`)
}
