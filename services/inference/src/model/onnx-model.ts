import { tasksOf, type BundleManifest, type Graph as GraphManifest, type InputRole, type ModelInfo, type OutputRole } from '@fovea/protocol'
import { join } from 'node:path'
import { buildHeads, type Heads } from '../heads/heads.ts'
import type { Scene, Window } from '../heads/head.ts'
import { BundleError } from './bundle-error.ts'
import { readBundle, type Bundle } from './bundle.ts'
import { floatOf, Graph, type Feeds } from './graph.ts'
import { DeviceKv } from './device-kv.ts'
import { KvSlots } from './kv-slots.ts'
import { OnnxLanguage } from './onnx-language.ts'
import { lookAtFiles, memoryNeed, objectsAtOnce, refuseUnlessItFits } from './memory-need.ts'
import { namedGraphs } from './named-graphs.ts'
import type { Provider } from './ort.ts'
import { openGraphRunner } from './published/open-graph.ts'
import { bytes, floats } from './tensor.ts'
import type { VisionModel } from './vision-model.ts'
import { warmUp } from './warm-up.ts'

export type LoadOptions = {
  providers?: readonly Provider[]
  threads?: number
  slots?: number
  /** positions of a prompt that one decoder run takes; a bidirectional prefix is never split */
  prefillChunk?: number
  /** bytes this model may take; nothing is loaded where more is needed */
  memory?: number
  /** of those, what sessions may keep of pictures and tokens */
  kept?: number
  /** frames that are encoded at once */
  batch?: number
  /** true: every graph runs once, and a provider under which one does not is passed over */
  warm?: boolean
  onRun?: (graph: string, running: boolean) => void
}
type Shares = { slots: number; chunk: number; objects: number }
/** Which provider runs the bundle, and why the ones before it do not. */
export type ProviderReport = { used: Provider; refused: { provider: Provider; because: string }[] }

const FEATURES = ['features.s4', 'features.s8', 'features.s16', 'features.s32'] as const satisfies readonly (InputRole & OutputRole)[]

/** A bundle, loaded: graphs fed by role, no model known by name. */
export class OnnxModel implements VisionModel {
  readonly info: ModelInfo
  readonly image: { height: number; width: number }
  readonly unit: 'frame' | 'clip'
  readonly sampling: { frames: number; everyMs: number }
  readonly heads: Heads
  readonly language: OnnxLanguage
  readonly providers: ProviderReport
  readonly graphs: ReadonlyMap<string, Graph>
  readonly kvBytes: number
  /** what the manifest says of one unit's visual tokens */
  readonly visual: { tokens: number; width: number }
  readonly #vision: Graph
  /** true: a head has an encoder of its own, so scenes carry their picture */
  readonly #ownEyes: boolean

  constructor({ manifest, hash, vocabulary }: Bundle, graphs: ReadonlyMap<string, Graph>, providers: ProviderReport, shares: Shares) {
    const [height, width] = manifest.image.size
    this.info = { name: manifest.name, hash, tasks: tasksOf(manifest), imageSize: [height, width] }
    this.image = { height, width }
    this.unit = manifest.vision.unit
    this.sampling = manifest.sampling
    this.visual = manifest.vision
    this.providers = providers
    this.graphs = graphs
    const need = (name: string): Graph => {
      const graph = graphs.get(name)
      if (!graph) throw new BundleError('manifest.json', `names no graph ${name}.`)
      return graph
    }
    this.#vision = need('vision')
    this.#ownEyes = manifest.heads.some((head) => 'encode' in head.graphs && head.graphs.encode !== undefined)
    const { kv } = manifest.language
    const slots = keepsOnDevice(providers.used, manifest) ? new DeviceKv(kv, shares.slots) : new KvSlots(kv, shares.slots)
    this.kvBytes = slots.bytes
    this.language = new OnnxLanguage({
      manifest,
      vocabulary,
      slots,
      chunk: shares.chunk,
      graphs: { prefix: graphs.get('prefix'), embed: need('embed'), box: graphs.get('box'), decoder: need('decoder') },
    })
    this.heads = buildHeads(manifest.heads, (task, part) => graphs.get(`${task}.${part}`), { objectsAtOnce: shares.objects })
  }

  /** Reads, checks and loads a bundle with the first provider that takes all of its graphs and, where it is to be warm, runs them. */
  static async load(
    folder: string,
    { providers = ['cpu'], threads = 1, slots = 8, prefillChunk = 256, memory = Infinity, kept = 0, batch = 1, warm = false, onRun }: LoadOptions = {},
  ): Promise<OnnxModel> {
    const bundle = await readBundle(folder)
    const files = await lookAtFiles(bundle.folder, bundle.manifest)
    const refused: ProviderReport['refused'] = []
    for (const provider of providers) {
      const need = memoryNeed(bundle.manifest, files, { slots, chunk: prefillChunk, kept, batch, provider })
      const passedOver = refused.map((each) => `Tried before it: ${each.provider}, which said: ${each.because}`)
      refuseUnlessItFits(need, memory, passedOver)
      try {
        const shares = { slots, chunk: prefillChunk, objects: objectsAtOnce(need, memory) }
        return await OnnxModel.#open(bundle, { used: provider, refused }, { ...shares, threads, warm, onRun })
      } catch (error) {
        if (error instanceof BundleError) throw error
        refused.push({ provider, because: error instanceof Error ? error.message : String(error) })
      }
    }
    throw new BundleError(
      'manifest.json',
      `no execution provider takes this bundle: ${refused.map(({ provider, because }) => `${provider}: ${because}`).join('; ')}`,
    )
  }

  /** With one provider. What was opened is closed again where it goes wrong: the next provider may need the room. */
  static async #open(
    bundle: Bundle,
    providers: ProviderReport,
    { threads, warm, onRun, ...shares }: Shares & { threads: number; warm: boolean; onRun?: LoadOptions['onRun'] },
  ): Promise<OnnxModel> {
    const graphs = await openGraphs(bundle, { provider: providers.used, threads, onRun })
    try {
      const model = new OnnxModel(bundle, graphs, providers, shares)
      if (warm) await model.warmUp()
      return model
    } catch (error) {
      for (const graph of graphs.values()) await graph.close()
      throw error
    }
  }

  async encode(pictures: readonly Uint8Array[]): Promise<Scene[]> {
    const { height, width } = this.image
    const one = height * width * 3
    const count = pictures.length
    let pixels = pictures[0] ?? new Uint8Array(0)
    if (count > 1) {
      pixels = new Uint8Array(count * one)
      pictures.forEach((picture, index) => pixels.set(picture, index * one))
    }
    if (pixels.length !== count * one) throw new RangeError(`The encoder takes pictures of ${width}×${height} RGB, ${one} bytes each.`)
    const feeds: Feeds =
      this.unit === 'frame' ? { 'pixels.frame': bytes(pixels, [count, height, width, 3]) } : { 'pixels.clip': bytes(pixels, [1, count, height, width, 3]) }
    const results = await this.#vision.run(feeds)
    const rows = this.unit === 'frame' ? count : 1
    return Array.from({ length: rows }, (_, row): Scene => {
      const features: Feeds = {}
      for (const role of FEATURES) {
        if (this.#vision.gives.has(role)) features[role] = rowOf(floatOf(results, role, this.#vision), row, 1)
      }
      const visual = rowOf(floatOf(results, 'visual', this.#vision), row, 1)
      const scene = { visual: floats(visual.data, visual.dims.slice(1)), features }
      if (!this.#ownEyes) return scene
      // A copy: the picture came in a slot that the next frame takes. Of a clip, the last picture is the scene's.
      const last = this.unit === 'frame' ? row : count - 1
      return { ...scene, pixels: bytes(pixels.slice(last * one, (last + 1) * one), [1, height, width, 3]) }
    })
  }

  window(scenes: readonly Scene[], mediaTimes: readonly number[]): Window {
    const last = mediaTimes.at(-1) ?? 0
    const used = this.unit === 'clip' ? scenes.slice(-1) : scenes
    const [tokens = 0, channels = 0] = used[0]?.visual.dims ?? []
    const visual = new Float32Array(used.length * tokens * channels)
    used.forEach((scene, index) => visual.set(scene.visual.data, index * tokens * channels))
    const times = Float32Array.from(mediaTimes, (time) => time - last)
    return { visual: floats(visual, [1, used.length, tokens, channels]), times: floats(times, [1, times.length]), mediaTimes }
  }

  /** Runs every graph once. */
  warmUp(): Promise<void> {
    return warmUp(this)
  }

  async close(): Promise<void> {
    await Promise.all([...this.graphs.values()].map((graph) => graph.close()))
  }
}

/** Only webgpu hands out device buffers; cuda copies the cache to this side and back at every run. */
function keepsOnDevice(provider: Provider, { language }: BundleManifest): boolean {
  return provider === 'webgpu' && language.kv.mode === 'inplace'
}

function cacheOutputs(graph: GraphManifest): string[] {
  return Object.entries(graph.outputs).flatMap(([name, role]) => (role.startsWith('kv.') ? [name] : []))
}

function rowOf({ data, dims }: { data: Float32Array; dims: readonly number[] }, row: number, rows: number) {
  const size = data.length / (dims[0] ?? 1)
  const part = dims[0] === rows ? data : data.slice(row * size, (row + 1) * size)
  return floats(part, [1, ...dims.slice(1)])
}

async function openGraphs(
  { folder, manifest }: Bundle,
  { provider, threads, onRun }: { provider: Provider; threads: number; onRun?: LoadOptions['onRun'] },
): Promise<Map<string, Graph>> {
  const graphs = new Map<string, Graph>()
  try {
    for (const [name, graph] of namedGraphs(manifest)) {
      const onDevice = name === 'decoder' && keepsOnDevice(provider, manifest) ? cacheOutputs(graph) : []
      const runner = await openGraphRunner(join(folder, graph.file), graph, { provider, threads, onDevice })
      const watched = onRun
        ? {
            ...runner,
            run: async (...run: Parameters<typeof runner.run>) => {
              onRun(name, true)
              try {
                return await runner.run(...run)
              } finally {
                onRun(name, false)
              }
            },
          }
        : runner
      graphs.set(name, new Graph(name, graph, watched))
    }
    return graphs
  } catch (error) {
    for (const graph of graphs.values()) await graph.close()
    throw error
  }
}
