import type { BundleManifest, Evidence, taskEvidence } from '@fovea/protocol'
import type { Feeds } from '../model/graph.ts'
import type { ByteTensor, FloatTensor } from '../model/tensor.ts'

export type HeadTask = BundleManifest['heads'][number]['task']

/** What the encoder made of one frame (unit frame) or of the clip that ends at it (unit clip); and the picture, for heads with an encoder of their own. */
export type Scene = { visual: FloatTensor; features: Feeds; pixels?: ByteTensor }

/** The frames the language model sees: their tokens as one tensor [1, T, N, C], their times relative to the last, and in media time. */
export type Window = { visual: FloatTensor; times: FloatTensor; mediaTimes: readonly number[] }

/** What a head looks at. `window` is there where the head needs more than one frame. */
export type View = { scene: Scene; window?: Window; size: { height: number; width: number } }

/** What a head saw for one phrase: the part of an evidence that a head is responsible for. */
export type Sight = Pick<Evidence, 'score' | Exclude<keyof typeof taskEvidence, 'track'>> & {
  /** how far the head agrees with itself, 0–1: falls when a standing embedding no longer fits */
  consistency: number
}

/** A head of the model: one task, one token pair, one way to look. */
export interface Head {
  readonly task: HeadTask
  readonly token: { trigger: string; task: string }
  /** true: a task embedding computed once may be used on later frames */
  readonly standing: boolean
  readonly threshold: number
  /** true: it looks at the whole window, not only at the last frame */
  readonly needsWindow: boolean
  /** `states` is [Q, d]; one sight for each row. */
  run(view: View, states: FloatTensor): Promise<Sight[]>
}

/** Scores and coordinates on the wire: enough digits for a pixel, few enough for a small message. */
export const rounded = (value: number): number => Math.round(value * 1e5) / 1e5
export const unit = (value: number): number => rounded(Math.min(1, Math.max(0, value)))
