import { z } from 'zod'
import { Box } from '../geometry.ts'
import { Graph } from '../graph.ts'
import { Unit } from '../units.ts'
import { headBase } from './head-base.ts'

export const Region = z.strictObject({ box: Box, score: Unit, track: z.string().optional() })
export type Region = z.infer<typeof Region>

export const RegionHead = z.strictObject({
  task: z.literal('region'),
  ...headBase,
  graphs: z.strictObject({ main: Graph }),
  nms: z.number().min(0).max(1).default(0.6).describe('IoU above which the weaker of two boxes is dropped'),
  inside: z.number().min(0).max(1).default(1).describe('share of a box inside a better one above which it is dropped; 1: never'),
  maxBoxes: z.int().min(1).max(100).default(10),
})
export type RegionHead = z.infer<typeof RegionHead>

/** Grounding: the boxes of what a phrase names, none when it is not in view. */
export const region = { names: ['region'], head: RegionHead, evidence: { regions: z.array(Region).optional() } } as const
