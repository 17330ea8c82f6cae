import type { AskBody, DropReason, FromBackend, Limits, ModelInfo, StreamBody, TrackBody, WatchBody } from '@fovea/protocol'
import type { ProviderReport } from './model/onnx-model.ts'
import type { Provider } from './model/ort.ts'

/** A frame whose pixels wait in a shared slot. Times are of the process clock, see clock.ts. */
export type FrameArrived = {
  stream: number
  frame: number
  mediaTime: number
  receivedAt: number
  keep: boolean
  width: number
  height: number
  /** bytes of the picture as it came: what the ring is charged for it */
  bytes: number
  arrivedAt: number
  decodeMs: number
  slot: number
}

/** What the main thread tells the model thread. Messages keep their order; that order is what asks and prompts rely on. */
export type ToModelThread =
  | { type: 'pixels'; pixels: SharedArrayBuffer }
  | { type: 'session-open'; session: string; limits: Limits }
  | { type: 'session-close'; session: string }
  | { type: 'stream-open'; session: string; body: StreamBody }
  | { type: 'stream-close'; session: string; stream: number }
  | { type: 'frame'; session: string; frame: FrameArrived }
  | { type: 'ask'; session: string; body: AskBody; arrivedAt: number }
  | { type: 'ask-cancel'; session: string; ask: string }
  | { type: 'watch'; session: string; body: WatchBody }
  | { type: 'watch-stop'; session: string; watch: string }
  | { type: 'track'; session: string; body: TrackBody }
  | { type: 'track-stop'; session: string; track: string }
  /** the answer to `picture-wanted`; without a slot the picture is gone */
  | { type: 'picture'; request: number; slot?: number }

/** What the model thread tells the main thread. A verdict comes as the JSON that goes out. */
export type FromModelThread =
  | { type: 'ready'; model: ModelInfo; providers: ProviderReport; image: { height: number; width: number }; kvBytes: number; loadMs: number }
  | { type: 'failed'; message: string }
  | {
      type: 'verdict'
      session: string
      stream: number
      frame: number
      outcome: 'seen' | 'dropped'
      reason?: DropReason
      json: string
      timings?: Timings
      slot: number
      gone: number[]
    }
  | { type: 'say'; session: string; message: FromBackend }
  | { type: 'picture-wanted'; request: number; session: string; stream: number; frame: number }
  | { type: 'picture-done'; slot: number }
  | { type: 'trouble'; message: string }

export type Timings = { queue: number; decode: number; encode: number; heads: number }

export type ModelThreadData = {
  bundle: string
  providers: readonly Provider[]
  threads: number
  slots: number
  /** positions of a prompt that one decoder run takes */
  prefillChunk: number
  /** bytes the model may take, and what sessions may keep of them */
  memory: number
  kept: number
  engine: EngineLimits
  pulse: SharedArrayBuffer
}

/** The bounds of one device's engine; every one of them is configured. */
export type EngineLimits = {
  /** bytes of pictures and tokens a stream keeps */
  ringBytes: number
  /** newest frames of a stream whose spatial features are kept beside their tokens */
  featureFrames: number
  /** frames that wait for the encoder, over all sessions */
  queuedFrames: number
  /** asks and compilations that wait for a slot of the language model */
  queuedAsks: number
  /** a live frame older than this when its turn comes is `stale` */
  maxAgeMs: number
  batch: { frames: number; delayMs: number }
  watchRefreshMs: number
  trackTtlMs: number
}

export const DEFAULT_ENGINE: EngineLimits = {
  ringBytes: 48 * 1024 * 1024,
  featureFrames: 4,
  queuedFrames: 256,
  queuedAsks: 64,
  maxAgeMs: 2000,
  batch: { frames: 1, delayMs: 0 },
  watchRefreshMs: 10_000,
  trackTtlMs: 60_000,
}
