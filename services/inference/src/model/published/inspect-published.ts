import { readdir } from 'node:fs/promises'
import { join, posix, resolve } from 'node:path'
import type { Graph as GraphManifest, MaskHead, PublishedLayout } from '@fovea/protocol'
import { readOnnxFile } from '../onnx-file.ts'
import { openRunner } from '../ort.ts'
import { LAYOUTS } from './layouts.ts'
import { readNoMemory } from './no-memory.ts'
import { readPreparation } from './preparation.ts'
import { recognise, type Ports, type Recognised } from './recognise.ts'
import { NO_MEMORY_UNTOLD, whyUnfit } from './unfit.ts'

/** A mask head out of files that others published: its layout, the manifest's row, paths relative to the folder. */
export type PublishedPart = { layout: PublishedLayout; head: MaskHead; does: string[]; lacks: string[] }
type Found = Ports & Recognised & { file: string; data: string[] }
type Parts = { encoder: Found; decoder: Found; noMemory: Found | undefined }

/** Looks through the ONNX files of a folder, and of its folder `onnx`, for an image encoder and a mask decoder of one layout. */
export async function inspectPublished(folder: string): Promise<PublishedPart> {
  const root = resolve(folder)
  const files = await onnxFiles(root)
  const found: Found[] = []
  const seen: (Ports & { file: string; recognised: Recognised | undefined })[] = []
  // Short names first: of files in several precisions the plain one is in float32.
  for (const file of files.toSorted((a, b) => a.length - b.length || a.localeCompare(b))) {
    const parts = partsOf(found)
    if (parts) return headOf(root, parts)
    const ports = await portsOf(join(root, file))
    if (!ports) continue
    const recognised = recognise(ports)
    seen.push({ ...ports, file, recognised })
    if (recognised) found.push({ ...recognised, ...ports, file, data: dataOf(root, file) })
  }
  const parts = partsOf(found)
  if (parts) return headOf(root, parts)
  const holds = seen.map(
    ({ file, inputs, outputs }) => `${file} (${inputs.map(({ name }) => name).join(', ')} → ${outputs.map(({ name }) => name).join(', ')})`,
  )
  const told = holds.length > 0 ? `It holds ${holds.join('; ')}.` : 'It holds no ONNX file that can be read.'
  const known = LAYOUTS.map(({ name }) => name).join(', ')
  throw new Error([`${root} holds no image encoder and mask decoder of a layout that is known (${known}).`, ...whyUnfit(seen), told].join(' '))
}

async function headOf(root: string, { encoder, decoder, noMemory }: Parts): Promise<PublishedPart> {
  const { layout } = encoder
  const side = encoder.inputs.find(({ name }) => name === layout.encoder.pixels)?.dims.at(-1)
  const { noMemory: told, ...prepared } = await readPreparation(root, typeof side === 'number' && side > 0 ? side : undefined, layout.usual)
  if (layout.noMemory === 'told' && !told) throw new Error(`${root} is of the layout ${layout.name}: ${NO_MEMORY_UNTOLD}`)
  const added = typeof layout.noMemory === 'object' && noMemory ? await readNoMemory(join(root, noMemory.file), layout.noMemory) : told
  const published = { layout: layout.name, ...prepared }
  const { s4, s8 } = layout.encoder
  const graph = ({ file, data }: Found): Pick<GraphManifest, 'file' | 'data' | 'published'> => ({ file, ...(data.length > 0 && { data }), published })
  const presence = layout.decoder.object !== undefined && decoder.outputs.some(({ name }) => name === layout.decoder.object)
  return {
    layout: layout.name,
    head: {
      task: 'mask',
      standing: false,
      phrases: false,
      token: { trigger: '<mask>', task: '<mask_task>' },
      threshold: 0.5,
      graphs: {
        encode: {
          ...graph(encoder),
          published: { ...published, ...(layout.noMemory && added ? { noMemory: added } : {}) },
          inputs: { pixels: 'pixels.frame' },
          outputs: { ...(s4 ? { s4: 'features.s4' } : {}), ...(s8 ? { s8: 'features.s8' } : {}), s16: 'attended' },
        },
        decode: {
          ...graph(decoder),
          inputs: { ...(s4 ? { s4: 'features.s4' } : {}), ...(s8 ? { s8: 'features.s8' } : {}), s16: 'attended', prompt: 'prompt' },
          outputs: { mask: 'mask', iou: 'iou', object: 'object' },
        },
      },
      bank: { prompted: 1, recent: 0 },
    },
    does: ['outlines what a box or points show in one frame', 'follows it by the box of its last outline', ...(presence ? ['says whether it is there'] : [])],
    lacks: ['phrases (no prompt embedding goes in)', 'memory', ...(presence ? [] : ['presence'])],
  }
}

function partsOf(found: readonly Found[]): Parts | undefined {
  for (const encoder of found) {
    if (encoder.part !== 'encoder') continue
    const [decoder, noMemory] = (['decoder', 'no-memory'] as const).map((part) => found.find((each) => each.part === part && each.layout === encoder.layout))
    if (decoder && (noMemory || typeof encoder.layout.noMemory !== 'object')) return { encoder, decoder, noMemory }
  }
  return undefined
}

async function onnxFiles(root: string): Promise<string[]> {
  const here = await readdir(root)
  const below = await readdir(join(root, 'onnx')).catch(() => [])
  return [...here, ...below.map((file) => `onnx/${file}`)].filter((file) => file.endsWith('.onnx'))
}

/** Weights that lie beside a file, by its own words. */
function dataOf(root: string, file: string): string[] {
  return readOnnxFile(join(root, file)).external.map((location) => posix.join(posix.dirname(file), location))
}

async function portsOf(file: string): Promise<Ports | undefined> {
  try {
    const runner = await openRunner(file, { provider: 'cpu', threads: 1 })
    const { inputs, outputs } = runner
    await runner.close()
    return { inputs, outputs }
  } catch {
    // A file of some other kind beside them: what was found is told if no pair comes together.
    return undefined
  }
}
