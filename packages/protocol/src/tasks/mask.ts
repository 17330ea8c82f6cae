import { z } from 'zod'
import { Box } from '../geometry.ts'
import { Graph } from '../graph.ts'
import { Rle } from '../mask.ts'
import { Unit } from '../units.ts'
import { headBase } from './head-base.ts'

/** How far an outline must agree with where the object was heading, and with itself, for a frame to be remembered. */
export const MotionRules = z.strictObject({
  weight: Unit.describe('share of the motion in the choice among candidate outlines; the rest is their IoU'),
  settle: z.int().min(1).describe('sure frames in a row after which the motion counts'),
  iou: Unit.describe('a frame is remembered where the outline is at least this sure,'),
  object: Unit.describe('the object at least this present,'),
  overlap: Unit.describe('and its box overlaps the expected one at least so'),
})
export type MotionRules = z.infer<typeof MotionRules>

export const MaskHead = z.strictObject({
  task: z.literal('mask'),
  ...headBase,
  graphs: z.strictObject({
    encode: Graph.optional().describe("the head's own image encoder, run once a frame; without it the head reads the shared features"),
    'prompt.state': Graph.optional().describe('not there where `phrases` is false'),
    'prompt.boxes': Graph.optional(),
    'prompt.points': Graph.optional(),
    'prompt.mask': Graph.optional(),
    drawn: Graph.optional().describe('what a drawn mask is in its frame, in the place of `decode`; without it and `prompt.mask`, its box is the prompt'),
    attend: Graph.optional().describe('puts the memory into the features before `decode`; without it `decode` takes the memory itself'),
    decode: Graph,
    memory: Graph.optional().describe('without it nothing is remembered: the box of the last outline is the prompt of the next frame'),
  }),
  bank: z.strictObject({
    prompted: z.int().min(1).describe('memory entries of prompted frames that are kept'),
    recent: z.int().min(0).describe('memory entries of the last frames that are kept'),
    pointers: z.int().min(0).optional().describe('object pointers of the last frames that are kept, besides those of prompted ones'),
    stored: z.enum(['float32', 'bfloat16']).optional().describe('how memory tokens are kept between frames; float32 where nothing is said'),
    motion: MotionRules.optional().describe('remembers only frames that agree with the motion; without it, every frame'),
  }),
})
export type MaskHead = z.infer<typeof MaskHead>

/** Referring segmentation; stepped from frame to frame with a memory bank it is a track. */
export const mask = { names: ['mask', 'track'], head: MaskHead, evidence: { mask: Rle.optional(), box: Box.optional(), track: z.string().optional() } } as const
