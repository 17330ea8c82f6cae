import type { DropReason, FrameSeen, Perception } from '@fovea/protocol'

/** The verdict of one frame as the program reads it; `captureAgeMs` is measured on this machine's own clock [FR6]. */
export type Result =
  | (FrameSeen & { captureAgeMs: number })
  | { type: 'frame-dropped'; stream: number; frame: number; mediaTime: number; reason: DropReason; message?: string }
  /** seen, but its content was lost with a connection */
  | { type: 'frame-settled'; stream: number; frame: number; mediaTime: number }

export type WatchUpdate = { watch: string; stream: number; frame: number; mediaTime: number; captureAgeMs: number; perception: Perception }
