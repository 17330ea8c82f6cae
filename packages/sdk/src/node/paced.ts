import { setTimeout as sleep } from 'node:timers/promises'
import type { Frame, FrameSource } from '../frame-source.ts'

/** A recording played as if it were live: each picture at its own time, and what cannot leave in time is replaced by the next. */
export function paced(source: FrameSource, { speed = 1 }: { speed?: number } = {}): FrameSource {
  return {
    policy: 'latest',
    ...(source.name && { name: source.name }),
    async *frames(context): AsyncGenerator<Frame> {
      let start: number | undefined
      for await (const frame of source.frames(context)) {
        start ??= performance.now() - frame.mediaTime / speed
        const wait = start + frame.mediaTime / speed - performance.now()
        if (wait > 1) await sleep(wait, undefined, { signal: context.signal }).catch(() => {})
        if (context.signal.aborted) return
        yield { ...frame, capturedAt: performance.now() }
      }
    },
  }
}
