import type { BundleManifest, Graph } from '@fovea/protocol'

/** Every graph of a manifest by the name the golden index uses: `vision`, `decoder`, `region.main`, `mask.prompt.state`, … */
export function namedGraphs(manifest: BundleManifest): [string, Graph][] {
  const own = Object.entries(manifest.graphs)
  const heads = manifest.heads.flatMap((head) => Object.entries(head.graphs).map(([part, graph]) => [`${head.task}.${part}`, graph] as const))
  return [...own, ...heads].flatMap(([name, graph]) => (graph ? [[name, graph] as [string, Graph]] : []))
}
