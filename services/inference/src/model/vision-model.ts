import type { Box, ModelInfo, Sampling } from '@fovea/protocol'
import type { Heads } from '../heads/heads.ts'
import type { HeadTask, Scene, Window } from '../heads/head.ts'

/** What sessions see of a model. Implemented by the bundle reader (onnx-model.ts) and, in tests, by a scripted model. */
export interface VisionModel {
  readonly info: ModelInfo
  /** pixels the encoder takes */
  readonly image: { height: number; width: number }
  /** `frame`: a scene is made of one picture; `clip`: of `sampling.frames` pictures that end at it */
  readonly unit: 'frame' | 'clip'
  readonly sampling: Sampling
  readonly heads: Heads
  readonly language: LanguageModel
  /** RGB pictures of `image` size → scenes. For unit `clip`, one scene from all of them. */
  encode(pictures: readonly Uint8Array[]): Promise<Scene[]>
  /** The frames the language model will see, oldest first; times in media ms. */
  window(scenes: readonly Scene[], mediaTimes: readonly number[]): Window
  close(): Promise<void>
}

/** The language model: prompts into slots, then one step at a time for many slots at once. Greedy. */
export interface LanguageModel {
  readonly maxNewTokens: number
  readonly slots: number
  /** the tokens that mean more than words */
  readonly eos: number
  readonly phrase: number
  taskOf(trigger: number): HeadTask | undefined
  taskToken(task: HeadTask): number | undefined
  text(ids: readonly number[]): string
  /** `<p> phrase <trigger> <task>`, to be fed after the prompt of the bare phrase. */
  forced(phrase: string, task: HeadTask): number[]

  acquire(): number | undefined
  release(slot: number): void
  length(slot: number): number
  room(slot: number): number
  rewind(slot: number, length: number): void
  /** Fills a slot with the window and the words, `boxes` in the places of `<box>`; the answer begins with `next`. */
  prefill(slot: number, window: Window, text: string, boxes?: readonly Box[]): Promise<Step>
  /** The same in runs of bounded length, one for each `next`: between them other slots may be fed. */
  prefillInParts(slot: number, window: Window, text: string, boxes?: readonly Box[]): AsyncGenerator<void, Step>
  /** Feeds the same number of ids to each row. */
  feed(rows: readonly { slot: number; ids: readonly number[] }[]): Promise<Step[]>
}

/** After a run: the likeliest next token, and the hidden state of the last position that was fed (the task embedding, after a task token). */
export type Step = { next: number; hidden: Float32Array }
