import type { Codec, StreamPolicy } from '@fovea/protocol'

/** One picture on its way: independently decodable, with its place in media time. */
export type Frame = {
  data: Uint8Array
  codec: Codec
  /** pixels of the picture in `data` */
  width: number
  height: number
  /** ms from the first frame, rising; a source that takes a stream up again may begin at 0, its times are moved on */
  mediaTime: number
  /** `performance.now()` at capture, for `captureAgeMs`; the moment of `put` where absent */
  capturedAt?: number
  /** keep this one at the backend until an ask that names it ends [FR5] */
  keep?: boolean
}

/** What a source learns of its stream. */
export type SourceContext = {
  /** [height, width] the model sees, as soon as it is known: larger pictures are only shrunk, never enlarged */
  modelSize(): readonly [number, number] | undefined
  /** resolves when the next picture can leave at once: a camera waits here, then captures, so that what it sends is the newest */
  room(): Promise<void>
  signal: AbortSignal
}

/** Where pictures come from: a camera, a file, a folder, a pipe. `policy` says what happens to pictures that cannot leave in time. */
export interface FrameSource {
  /** `latest`: live, the newest wins [FR3]; `all`: a recording, everything is sent [FR4] */
  readonly policy: StreamPolicy
  readonly name?: string
  frames(context: SourceContext): AsyncIterable<Frame>
}

const UNKNOWN_MODEL_SIDE = 640

/**
 * The size a picture is sent at: shrunk until it just covers what the model sees, its aspect kept, never enlarged.
 * Before the model is known the long side becomes at most 640.
 */
export function sendSize(width: number, height: number, model: readonly [number, number] | undefined): { width: number; height: number } {
  const scale = model ? Math.max(model[1] / width, model[0] / height) : UNKNOWN_MODEL_SIDE / Math.max(width, height)
  if (scale >= 1) return { width, height }
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}
