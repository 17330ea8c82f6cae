import type { PublishedLayout } from '@fovea/protocol'
import type { Port } from '../ort.ts'

/** What an image encoder calls its picture and the three maps it makes of it; the last has no past in it. */
export type EncoderNames = { pixels: string; s4: string; s8: string; s16: string }

/** What a mask decoder calls what it takes and gives. Of the optional ones a file may have all, some or none. */
export type DecoderNames = {
  s4: string
  s8: string
  s16: string
  points: string
  labels: string
  boxes?: string
  drawn?: string
  hasDrawn?: string
  pictureSize?: string
  mask: string
  iou: string
  object?: string
}

export type Layout = { name: PublishedLayout; encoder: EncoderNames; decoder: DecoderNames }

export const LAYOUTS: readonly Layout[] = [
  {
    name: 'transformers',
    encoder: { pixels: 'pixel_values', s4: 'image_embeddings.0', s8: 'image_embeddings.1', s16: 'image_embeddings.2' },
    decoder: {
      s4: 'image_embeddings.0',
      s8: 'image_embeddings.1',
      s16: 'image_embeddings.2',
      points: 'input_points',
      labels: 'input_labels',
      boxes: 'input_boxes',
      mask: 'pred_masks',
      iou: 'iou_scores',
      object: 'object_score_logits',
    },
  },
  {
    name: 'samexporter',
    encoder: { pixels: 'image', s4: 'high_res_feats_0', s8: 'high_res_feats_1', s16: 'image_embed' },
    decoder: {
      s4: 'high_res_feats_0',
      s8: 'high_res_feats_1',
      s16: 'image_embed',
      points: 'point_coords',
      labels: 'point_labels',
      drawn: 'mask_input',
      hasDrawn: 'has_mask_input',
      pictureSize: 'orig_im_size',
      mask: 'masks',
      iou: 'iou_predictions',
    },
  },
  {
    name: 'sam-video',
    encoder: { pixels: 'pixel_values', s4: 'feats0', s8: 'feats1', s16: 'feats2_no_mem' },
    decoder: {
      s4: 'feats0',
      s8: 'feats1',
      s16: 'feats2_cond',
      points: 'input_points',
      labels: 'input_labels',
      mask: 'low_res_mask',
      iou: 'iou',
      object: 'object_score_logits',
    },
  },
]

/** Inputs that a file of the layout may lack. */
const OPTIONAL: readonly (keyof DecoderNames)[] = ['boxes', 'drawn', 'hasDrawn', 'pictureSize', 'object']

type Ports = { inputs: readonly Port[]; outputs: readonly Port[] }
export type Recognised = { layout: Layout; part: 'encoder' | 'decoder' }

/** Which published file this is, by the names of what it takes and gives; undefined for any other graph. */
export function recognise(ports: Ports): Recognised | undefined {
  for (const layout of LAYOUTS) {
    if (isEncoder(ports, layout.encoder)) return { layout, part: 'encoder' }
    if (isDecoder(ports, layout.decoder)) return { layout, part: 'decoder' }
  }
  return undefined
}

function isEncoder({ inputs, outputs }: Ports, { pixels, ...maps }: EncoderNames): boolean {
  const [only] = inputs
  return inputs.length === 1 && only?.name === pixels && Object.values(maps).every((name) => has(outputs, name))
}

function isDecoder({ inputs, outputs }: Ports, { mask, iou, ...taken }: DecoderNames): boolean {
  const known = Object.values(taken)
  const needed = Object.entries(taken).filter(([what]) => !OPTIONAL.some((optional) => optional === what))
  return needed.every(([, name]) => has(inputs, name)) && inputs.every(({ name }) => known.includes(name)) && has(outputs, mask) && has(outputs, iou)
}

const has = (ports: readonly Port[], wanted: string): boolean => ports.some(({ name }) => name === wanted)
