import type { BundleManifest, Graph } from '@fovea/protocol'
import type { FileCheck } from '../bundle.ts'

export type GraphSize = { name: string; bytes: number; inputs: string[]; outputs: string[] }

/** Every graph with the bytes of its files and the roles it takes and gives; the entries of a cache are counted, not listed. */
export function graphSizes(manifest: BundleManifest, files: readonly FileCheck[]): GraphSize[] {
  const bytesOf = new Map(files.map(({ file, bytes }) => [file, bytes]))
  const heads = manifest.heads.flatMap((head) => Object.entries(head.graphs).map(([part, graph]) => [`${head.task}.${part}`, graph] as const))
  return [...Object.entries(manifest.graphs), ...heads].flatMap(([name, graph]) => (graph ? [sized(name, graph, bytesOf)] : []))
}

function sized(name: string, graph: Graph, bytesOf: ReadonlyMap<string, number>): GraphSize {
  const bytes = [graph.file, ...(graph.data ?? [])].reduce((sum, file) => sum + (bytesOf.get(file) ?? 0), 0)
  return { name, bytes, inputs: shortened(Object.values(graph.inputs)), outputs: shortened(Object.values(graph.outputs)) }
}

function shortened(roles: readonly string[]): string[] {
  const cache = roles.filter((role) => role.startsWith('kv.')).length
  return [...roles.filter((role) => !role.startsWith('kv.')), ...(cache > 0 ? [`${cache} of the cache`] : [])]
}
