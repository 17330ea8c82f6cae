import { z } from 'zod'
import { Box } from '../geometry.ts'
import { Graph } from '../graph.ts'
import { Rle } from '../mask.ts'
import { headBase } from './head-base.ts'

export const MaskHead = z.strictObject({
  task: z.literal('mask'),
  ...headBase,
  graphs: z.strictObject({
    'prompt.state': Graph,
    'prompt.boxes': Graph.optional(),
    'prompt.points': Graph.optional(),
    'prompt.mask': Graph.optional(),
    decode: Graph,
    memory: Graph,
  }),
  bank: z.strictObject({
    prompted: z.int().min(1).describe('memory entries of prompted frames that are kept'),
    recent: z.int().min(0).describe('memory entries of the last frames that are kept'),
  }),
})
export type MaskHead = z.infer<typeof MaskHead>

/** Referring segmentation; stepped from frame to frame with a memory bank it is a track. */
export const mask = { names: ['mask', 'track'], head: MaskHead, evidence: { mask: Rle.optional(), box: Box.optional(), track: z.string().optional() } } as const
