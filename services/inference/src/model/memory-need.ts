import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleManifest, Graph } from '@fovea/protocol'
import { BundleError } from './bundle-error.ts'
import { encoderLines, headLines, type Outlines } from './activations.ts'
import { slotBytes } from './kv-slots.ts'
import { namedGraphs } from './named-graphs.ts'
import { readOnnxFile } from './onnx-file.ts'
import type { Provider } from './ort.ts'

/** One line of the arithmetic: what takes memory, how much, and how that was reckoned. */
export type MemoryLine = { what: string; bytes: number; how: string }
/** `object`: bytes of one more followed object in the same run; 0 where following takes nothing to speak of. */
export type MemoryNeed = { lines: MemoryLine[]; bytes: number; slotBytes: number; object: number }
/** `kept`: bytes that sessions may keep of pictures and tokens; `batch`: frames that are encoded at once. */
export type MemoryShares = { slots: number; chunk: number; kept?: number; batch?: number; provider?: Provider }
/** A bundle's files before anything of them is loaded. */
export type BundleFiles = { sizes: ReadonlyMap<string, number>; outlines: Outlines }

const MEGABYTE = 1024 * 1024
/** Node, the library and its arenas: the embedded bundle, whose weights are small, peaks at 270 MB. */
const RUNTIME = 256 * MEGABYTE
/** Kernels read a packed copy of the weights, and while it is made the file's is there too: measured 1.5 to 1.7 times the file at the highest. */
const WHILE_PACKED = 1.7
/** A GPU takes the weights as they are stored; this has not been measured. */
const AS_STORED = 1
/** A CPU widens halves to float32 before it packs them: measured 2.8 times the file at the highest. */
const WHILE_WIDENED = 3
/** What objects that are attended together may take: beyond, a run for a few of them is no dearer than one for all. */
const TOGETHER = 1024 * MEGABYTE

/** What a bundle takes when it is loaded, reckoned from its manifest, the sizes of its files and the outlines of its graphs before anything is loaded. */
export function memoryNeed(manifest: BundleManifest, { sizes, outlines }: BundleFiles, shares: MemoryShares): MemoryNeed {
  const { slots, chunk, kept = 0, batch = 1, provider = 'cpu' } = shares
  const { kv, width, vocabulary } = manifest.language
  const weights = namedGraphs(manifest).map(([name, graph]): MemoryLine => {
    const stored = filesOf(graph).reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0)
    const factor = weightFactor(name, kv.type, provider)
    return { what: `weights of ${name}`, bytes: stored * factor, how: `${megabytes(stored)} of files × ${factor}` }
  })
  const followed = headLines(manifest.heads, outlines)
  const heads = Math.ceil(width / kv.headDim)
  const lines: MemoryLine[] = [
    { what: 'runtime', bytes: RUNTIME, how: 'Node, ONNX Runtime, its arenas' },
    ...weights,
    {
      what: 'key-value cache',
      bytes: slots * slotBytes(kv),
      how: `${slots} slots × ${kv.layers} layers × 2 × ${kv.heads} heads × ${kv.headDim} × ${kv.max} positions × ${kv.type === 'float16' ? 2 : 4} bytes`,
    },
    {
      what: 'a prompt on its way',
      bytes: chunk * (heads * kv.max + 32 * width) * 4,
      how: `${chunk} positions × (${heads} heads × ${kv.max} scores + 32 × ${width}) × 4 bytes`,
    },
    { what: 'logits', bytes: slots * vocabulary * 4, how: `${slots} slots × ${vocabulary} × 4 bytes` },
    ...encoderLines(manifest, outlines, batch),
    ...followed.lines,
    ...(kept > 0 ? [{ what: 'pictures and tokens of sessions', bytes: kept, how: 'FOVEA_CAPACITY × FOVEA_RING_MB' }] : []),
  ]
  return { lines, bytes: lines.reduce((sum, line) => sum + line.bytes, 0), slotBytes: slotBytes(kv), object: followed.object }
}

/** How many objects may be attended in one run: as many as fit into what is left of the budget, and into a bound of their own; at least one. */
export function objectsAtOnce({ bytes, object }: MemoryNeed, budget: number): number {
  if (object === 0) return Infinity
  return Math.max(1, Math.min(Math.floor(TOGETHER / object), 1 + Math.floor((budget - bytes) / object)))
}

/** Throws, with the arithmetic, where a bundle needs more than it may take; `before`: what was tried before. */
export function refuseUnlessItFits(need: MemoryNeed, budget: number, before: readonly string[] = []): void {
  if (need.bytes <= budget) return
  const sum = need.lines.map(({ what, bytes, how }) => `  ${megabytes(bytes).padStart(9)}  ${what}: ${how}`)
  throw new BundleError(
    'manifest.json',
    [
      `this bundle needs ${megabytes(need.bytes)} and may take ${megabytes(budget)}:`,
      ...sum,
      `Take fewer slots (FOVEA_SLOTS, ${megabytes(need.slotBytes)} each), keep less of sessions (FOVEA_CAPACITY, FOVEA_RING_MB), a bundle of a smaller precision, or allow more (FOVEA_MEMORY_MB).`,
      ...before,
    ].join('\n'),
  )
}

/** The size of every file that holds a part of a graph, and every graph's outline. */
export async function lookAtFiles(folder: string, manifest: BundleManifest): Promise<BundleFiles> {
  const graphs = namedGraphs(manifest).map(([, graph]) => graph)
  const files = new Set(graphs.flatMap(filesOf))
  const sizes = new Map(await Promise.all([...files].map(async (file) => [file, (await stat(join(folder, file))).size] as const)))
  return { sizes, outlines: new Map(graphs.map(({ file }) => [file, readOnnxFile(join(folder, file))])) }
}

function weightFactor(graph: string, cache: 'float32' | 'float16' | undefined, provider: Provider): number {
  // A table that is only looked up is mapped from its file.
  if (graph === 'embed') return 1
  if (provider !== 'cpu') return AS_STORED
  return graph === 'decoder' && cache === 'float16' ? WHILE_WIDENED : WHILE_PACKED
}

const filesOf = (graph: Graph): string[] => [graph.file, ...(graph.data ?? [])]
const megabytes = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 1 : 0)} MB`
