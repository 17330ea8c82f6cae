import { z } from 'zod'
import { Unit } from './units.ts'

export const Box = z.tuple([Unit, Unit, Unit, Unit]).describe('x0, y0, x1, y1; 0–1 from the top left')
export type Box = z.infer<typeof Box>

export const Point = z.tuple([Unit, Unit, z.union([z.literal(0), z.literal(1)])]).describe('x, y, label: 1 on the object, 0 off it')
export type Point = z.infer<typeof Point>

/** Area of a box; 0 where it is empty or inverted. */
export function boxArea([x0, y0, x1, y1]: Box): number {
  return Math.max(0, x1 - x0) * Math.max(0, y1 - y0)
}

/** Intersection over union of two boxes, 0–1. Two empty boxes give 0. */
export function boxIou(a: Box, b: Box): number {
  const overlap = boxArea([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])])
  const union = boxArea(a) + boxArea(b) - overlap
  return union > 0 ? overlap / union : 0
}
