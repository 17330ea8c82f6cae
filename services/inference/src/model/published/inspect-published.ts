import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Graph as GraphManifest, MaskHead, PublishedLayout } from '@fovea/protocol'
import { openRunner, type Port } from '../ort.ts'
import { recognise, type Recognised } from './layout.ts'
import { readPreparation } from './preparation.ts'

/** A mask head out of files that others published: its layout, the manifest's row, paths relative to the folder. */
export type PublishedPart = { layout: PublishedLayout; head: MaskHead; does: string[]; lacks: string[] }
type Found = Recognised & { file: string; data: string[]; inputs: readonly Port[]; outputs: readonly Port[] }

/** Looks through the ONNX files of a folder, and of its folder `onnx`, for an image encoder and a mask decoder of one layout. */
export async function inspectPublished(folder: string): Promise<PublishedPart> {
  const root = resolve(folder)
  const files = await onnxFiles(root)
  const found: Found[] = []
  const seen: string[] = []
  // Short names first: of files in several precisions the plain one is in float32.
  for (const file of files.toSorted((a, b) => a.length - b.length || a.localeCompare(b))) {
    if (pair(found)) break
    const ports = await portsOf(join(root, file))
    if (!ports) continue
    seen.push(`${file} (${ports.inputs.map(({ name }) => name).join(', ')} → ${ports.outputs.map(({ name }) => name).join(', ')})`)
    const recognised = recognise(ports)
    if (recognised) found.push({ ...recognised, ...ports, file, data: await dataOf(root, file) })
  }
  const parts = pair(found)
  if (!parts) {
    const told = seen.length > 0 ? `It holds ${seen.join('; ')}.` : 'It holds no ONNX file that can be read.'
    throw new Error(`${root} holds no image encoder and mask decoder of a layout that is known (transformers, samexporter, sam-video). ${told}`)
  }
  return partOf(root, parts)
}

async function partOf(root: string, { encoder, decoder }: { encoder: Found; decoder: Found }): Promise<PublishedPart> {
  const { layout } = encoder
  const side = encoder.inputs.find(({ name }) => name === layout.encoder.pixels)?.dims.at(-1)
  const published = { layout: layout.name, ...(await readPreparation(root, typeof side === 'number' && side > 0 ? side : undefined)) }
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
        encode: { ...graph(encoder), inputs: { pixels: 'pixels.frame' }, outputs: { s4: 'features.s4', s8: 'features.s8', s16: 'attended' } },
        decode: {
          ...graph(decoder),
          inputs: { s4: 'features.s4', s8: 'features.s8', s16: 'attended', prompt: 'prompt' },
          outputs: { mask: 'mask', iou: 'iou', object: 'object' },
        },
      },
      bank: { prompted: 1, recent: 0 },
    },
    does: ['outlines what a box or points show in one frame', 'follows it by the box of its last outline', ...(presence ? ['says whether it is there'] : [])],
    lacks: ['phrases (no prompt embedding goes in)', 'memory', ...(presence ? [] : ['presence'])],
  }
}

function pair(found: readonly Found[]): { encoder: Found; decoder: Found } | undefined {
  for (const encoder of found) {
    if (encoder.part !== 'encoder') continue
    const decoder = found.find((each) => each.part === 'decoder' && each.layout === encoder.layout)
    if (decoder) return { encoder, decoder }
  }
  return undefined
}

async function onnxFiles(root: string): Promise<string[]> {
  const here = await readdir(root)
  const below = await readdir(join(root, 'onnx')).catch(() => [])
  return [...here, ...below.map((file) => `onnx/${file}`)].filter((file) => file.endsWith('.onnx'))
}

/** Weights that lie beside a file, as exporters call them: `x.onnx_data`, `x.onnx.data`, and numbered ones. */
async function dataOf(root: string, file: string): Promise<string[]> {
  const folder = file.includes('/') ? 'onnx/' : ''
  const files = await readdir(join(root, folder))
  return files.map((name) => `${folder}${name}`).filter((name) => name.startsWith(`${file}_data`) || name.startsWith(`${file}.data`))
}

async function portsOf(file: string): Promise<{ inputs: readonly Port[]; outputs: readonly Port[] } | undefined> {
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
