import { z } from 'zod'
import { Graph } from '../graph.ts'
import { Duration, MediaTime, Unit } from '../units.ts'
import { headBase } from './head-base.ts'

export const Span = z.strictObject({ start: MediaTime, end: MediaTime, score: Unit }).describe('media time, ms')
export type Span = z.infer<typeof Span>

export const Saliency = z.strictObject({ from: MediaTime, step: Duration, values: z.array(Unit) })
export type Saliency = z.infer<typeof Saliency>

export const MomentHead = z.strictObject({
  task: z.literal('moment'),
  ...headBase,
  graphs: z.strictObject({ main: Graph }),
  nms: z.number().min(0).max(1).default(0.7).describe('temporal IoU above which the weaker of two spans is dropped'),
})
export type MomentHead = z.infer<typeof MomentHead>

/** Temporal grounding: when it happens, and how salient each moment is. */
export const moment = { names: ['moment'], head: MomentHead, evidence: { spans: z.array(Span).optional(), saliency: Saliency.optional() } } as const
