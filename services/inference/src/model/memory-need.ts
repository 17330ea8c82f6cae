import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleManifest, Graph } from '@fovea/protocol'
import { BundleError } from './bundle-error.ts'
import { slotBytes } from './kv-slots.ts'
import { namedGraphs } from './named-graphs.ts'

/** One line of the arithmetic: what takes memory, how much, and how that was reckoned. */
export type MemoryLine = { what: string; bytes: number; how: string }
export type MemoryNeed = { lines: MemoryLine[]; bytes: number; slotBytes: number }
/** `kept`: bytes that sessions may keep of pictures and tokens. */
export type MemoryShares = { slots: number; chunk: number; kept?: number }

const MEGABYTE = 1024 * 1024
/** Node, the library and its arenas: the embedded bundle, whose weights are small, peaks at 270 MB. */
const RUNTIME = 256 * MEGABYTE
/** Kernels read a packed copy of the weights, and while it is made the file's is there too: measured 1.5 to 1.7 times the file at the highest. */
const WHILE_PACKED = 1.7
/** A CPU widens halves to float32 before it packs them: measured 2.8 times the file at the highest. */
const WHILE_WIDENED = 3

/** What a bundle takes when it is loaded, reckoned from its manifest and the sizes of its files before anything is read. */
export function memoryNeed(manifest: BundleManifest, sizes: ReadonlyMap<string, number>, { slots, chunk, kept = 0 }: MemoryShares): MemoryNeed {
  const { kv, width, vocabulary } = manifest.language
  const weights = namedGraphs(manifest).map(([name, graph]): MemoryLine => {
    const stored = filesOf(graph).reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0)
    // A table that is only looked up is mapped from its file.
    const factor = name === 'embed' ? 1 : name === 'decoder' && kv.type === 'float16' ? WHILE_WIDENED : WHILE_PACKED
    return { what: `weights of ${name}`, bytes: stored * factor, how: `${megabytes(stored)} of files × ${factor}` }
  })
  const heads = Math.ceil(width / kv.headDim)
  const [high, wide] = manifest.image.size
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
    { what: 'a picture on its way', bytes: high * wide * 256, how: `${wide} × ${high} × 256 bytes` },
    ...(kept > 0 ? [{ what: 'pictures and tokens of sessions', bytes: kept, how: 'FOVEA_CAPACITY × FOVEA_RING_MB' }] : []),
  ]
  return { lines, bytes: lines.reduce((sum, line) => sum + line.bytes, 0), slotBytes: slotBytes(kv) }
}

/** Throws, with the arithmetic, where a bundle needs more than it may take. */
export function refuseUnlessItFits(need: MemoryNeed, budget: number): void {
  if (need.bytes <= budget) return
  const sum = need.lines.map(({ what, bytes, how }) => `  ${megabytes(bytes).padStart(9)}  ${what}: ${how}`)
  throw new BundleError(
    'manifest.json',
    [
      `this bundle needs ${megabytes(need.bytes)} and may take ${megabytes(budget)}:`,
      ...sum,
      `Take fewer slots (FOVEA_SLOTS, ${megabytes(need.slotBytes)} each), keep less of sessions (FOVEA_CAPACITY, FOVEA_RING_MB), a bundle of a smaller precision, or allow more (FOVEA_MEMORY_MB).`,
    ].join('\n'),
  )
}

/** The size of every file that holds a part of a graph. */
export async function fileSizes(folder: string, manifest: BundleManifest): Promise<Map<string, number>> {
  const files = namedGraphs(manifest).flatMap(([, graph]) => filesOf(graph))
  return new Map(await Promise.all([...new Set(files)].map(async (file) => [file, (await stat(join(folder, file))).size] as const)))
}

const filesOf = (graph: Graph): string[] => [graph.file, ...(graph.data ?? [])]
const megabytes = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 1 : 0)} MB`
