import type { BundleManifest, HeadManifest, InputRole, OutputRole } from '@fovea/protocol'
import type { Graph } from './graph.ts'

const SHARED = ['features.s4', 'features.s8', 'features.s16', 'features.s32', 'visual'] as const satisfies readonly (InputRole & OutputRole)[]

/** What of its heads a bundle's backbone cannot feed: states of another width, features it does not make or makes of another size. */
export function headMisfits(manifest: BundleManifest, graphs: ReadonlyMap<string, Graph>): string[] {
  return manifest.heads.flatMap((head) =>
    partsOf(head, graphs).flatMap(([name, graph]) => [...stateMisfits(manifest, name, graph), ...featureMisfits(head, graphs, name, graph)]),
  )
}

function partsOf(head: HeadManifest, graphs: ReadonlyMap<string, Graph>): [name: string, graph: Graph][] {
  return Object.keys(head.graphs).flatMap((part) => {
    const graph = graphs.get(`${head.task}.${part}`)
    return graph ? [[`${head.task}.${part}`, graph] as [string, Graph]] : []
  })
}

function stateMisfits({ language }: BundleManifest, name: string, graph: Graph): string[] {
  const width = graph.takes.has('state') ? graph.dims('state')?.at(-1) : undefined
  if (typeof width !== 'number' || width === language.width) return []
  return [`${name} takes states of width ${width}; the language model gives width ${language.width}. Export the head with an adapter for ${language.width}.`]
}

function featureMisfits(head: HeadManifest, graphs: ReadonlyMap<string, Graph>, name: string, graph: Graph): string[] {
  // A head with its own encoder reads that one's features; the encoder itself reads pixels.
  const own = graphs.get(`${head.task}.encode`)
  const source = own && name !== `${head.task}.encode` ? own : graphs.get('vision')
  const maker = source === own && own ? `${head.task}.encode` : 'vision'
  return SHARED.flatMap((role) => {
    if (!graph.takes.has(role) || role === 'visual') return []
    if (!source?.gives.has(role)) return [`${name} takes ${role}, which ${maker} does not make.`]
    const [wanted, given] = [graph.dims(role), source.outputDims(role)]
    const differs = wanted?.some((size, axis) => axis > 0 && typeof size === 'number' && typeof given?.[axis] === 'number' && size !== given[axis])
    return differs ? [`${name} takes ${role} of [${wanted?.slice(1).join(', ')}]; ${maker} makes [${given?.slice(1).join(', ')}].`] : []
  })
}
