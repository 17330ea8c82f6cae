import type { BundleManifest, Graph, HeadManifest, InputRole, MaskHead, OutputRole } from '@fovea/protocol'
import type { MemoryLine } from './memory-need.ts'
import type { Dims, OnnxFile } from './onnx-file.ts'

/** Outlines of a bundle's graphs by their file. */
export type Outlines = ReadonlyMap<string, OnnxFile>

/** Scores of attention lie in memory twice: before and after they are weighed. Measured: UMT-L over 3,136 tokens, SAM 2.1's memory at 1024 px. */
const MATRICES = 2
/** Heads of an encoder, which no file tells: those of UMT-L and SigLIP; of SAM's encoders at most eight look beyond a window. */
const ENCODER_HEADS = 16
const OWN_ENCODER_HEADS = 8
/** Pixels of a side that one token stands for, and bytes that a pixel costs on its way through an encoder. */
const PATCH = 16
const PIXEL = PATCH * PATCH
/** Vectors of its width that a position takes on its way through a layer. */
const VECTORS = 32

/** What the encoder takes for the pictures it is given at once: the frames of a clip, or a batch of frames. */
export function encoderLines({ image, vision, sampling, graphs }: BundleManifest, outlines: Outlines, batch: number): MemoryLine[] {
  const [high, wide] = image.size
  const isClip = vision.unit === 'clip'
  const pictures = isClip ? sampling.frames : batch
  const cells = Math.ceil(high / PATCH) * Math.ceil(wide / PATCH)
  const [runs, tokens] = isClip ? [1, sampling.frames * cells] : [batch, cells]
  return [
    { what: 'pictures on their way', bytes: pictures * high * wide * PIXEL, how: `${pictures} × ${wide} × ${high} × ${PIXEL} bytes` },
    ...(outlines.get(graphs.vision.file)?.attends ? [scores('of the encoder', runs * ENCODER_HEADS, tokens)] : []),
  ]
}

/** What heads take besides: an encoder of their own, and the memory of one object that is followed. */
export function headLines(heads: readonly HeadManifest[], outlines: Outlines): { lines: MemoryLine[]; object: number } {
  const head = heads.find((each) => each.task === 'mask')
  if (!head) return { lines: [], object: 0 }
  const object = followedObject(head, outlines)
  return { lines: [...ownEncoder(head, outlines), ...(object ? [object] : [])], object: object?.bytes ?? 0 }
}

function ownEncoder({ graphs: { encode } }: MaskHead, outlines: Outlines): MemoryLine[] {
  if (!encode) return []
  const side = encode.published?.size
  const cells = side ? Math.ceil(side / PATCH) ** 2 : area(outputDims(encode, 'attended', outlines))
  const pixels = cells * PATCH * PATCH
  return [
    { what: "a picture in the mask head's encoder", bytes: pixels * PIXEL, how: `${cells} cells of ${PATCH} × ${PATCH} × ${PIXEL} bytes` },
    ...(outlines.get(encode.file)?.attends ? [scores("of the mask head's encoder", OWN_ENCODER_HEADS, cells)] : []),
  ]
}

/** Every cell of the frame looks at every cell and at all that is remembered. */
function followedObject({ graphs: { attend, decode }, bank }: MaskHead, outlines: Outlines): MemoryLine | undefined {
  const graph = attend ?? decode
  const [, , tokens, width] = inputDims(graph, 'memory.tokens', outlines) ?? []
  if (typeof tokens !== 'number' || typeof width !== 'number') return undefined
  const map = attend ? outputDims(attend, 'attended', outlines) : coarsest(decode, outlines)
  const [cells, channels] = [area(map), typeof map?.[1] === 'number' ? map[1] : 0]
  const pointer = inputDims(graph, 'pointer.tokens', outlines)?.[2]
  const pointers = typeof pointer === 'number' ? (bank.prompted + (bank.pointers ?? 0)) * Math.ceil(pointer / width) : 0
  const entries = bank.prompted + bank.recent
  const remembered = entries * tokens + pointers
  return {
    what: 'an object that is followed',
    bytes: (cells * (cells + remembered) * MATRICES + VECTORS * cells * channels) * 4,
    how: `(${cells} cells × (${cells} + ${entries} × ${tokens} + ${pointers} remembered) × ${MATRICES} + ${VECTORS} × ${cells} × ${channels}) × 4 bytes`,
  }
}

function coarsest(graph: Graph, outlines: Outlines): Dims | undefined {
  const maps = (['features.s32', 'features.s16', 'features.s8', 'features.s4'] as const).flatMap((role) => {
    const dims = inputDims(graph, role, outlines)
    return dims ? [dims] : []
  })
  return maps.toSorted((a, b) => area(a) - area(b))[0]
}

function scores(of: string, heads: number, tokens: number): MemoryLine {
  return {
    what: `scores ${of}`,
    bytes: heads * tokens * tokens * MATRICES * 4,
    how: `${heads} heads × ${tokens} tokens × ${tokens} × ${MATRICES} × 4 bytes`,
  }
}

function inputDims({ file, inputs }: Graph, role: InputRole, outlines: Outlines): Dims | undefined {
  return outlines.get(file)?.inputs.get(nameOf(inputs, role))
}

function outputDims({ file, outputs }: Graph, role: OutputRole, outlines: Outlines): Dims | undefined {
  return outlines.get(file)?.outputs.get(nameOf(outputs, role))
}

function nameOf(ports: Readonly<Record<string, string>>, role: string): string {
  return Object.entries(ports).find(([, each]) => each === role)?.[0] ?? ''
}

/** Cells of a map [.., h, w]. */
function area(dims: Dims | undefined): number {
  return (dims ?? []).slice(-2).reduce<number>((product, side) => product * (typeof side === 'number' ? side : 0), dims ? 1 : 0)
}
