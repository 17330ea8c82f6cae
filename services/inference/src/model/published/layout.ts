import type { Published, PublishedLayout } from '@fovea/protocol'

/** What an image encoder calls its picture and the maps it makes of it; some have no fine ones. */
export type EncoderNames = { pixels: string; s4?: string; s8?: string; s16: string }

/** What a mask decoder calls what it takes and gives. Of those that are `OPTIONAL` a file may have all, some or none. */
export type DecoderNames = {
  s4?: string
  s8?: string
  s16: string
  points: string
  labels: string
  boxes?: string
  drawn?: string
  hasDrawn?: string
  pictureSize?: string
  /** 1 where it may choose among several outlines, 0 where the prompt leaves no doubt */
  several?: string
  mask: string
  iou: string
  object?: string
}

/** Inputs that a file of a layout may lack. */
export const OPTIONAL: readonly (keyof DecoderNames)[] = ['boxes', 'drawn', 'hasDrawn', 'pictureSize', 'object']

export type Layout = {
  name: PublishedLayout
  encoder: EncoderNames
  decoder: DecoderNames
  /** how pictures are prepared where no file says */
  usual: Pick<Published, 'size' | 'mean' | 'std'>
  /** where the encoder's coarsest map is without what stands for "nothing is remembered": the graph that adds it, or `constants.json` has to tell it */
  noMemory?: { takes: string; gives: string } | 'told'
}
