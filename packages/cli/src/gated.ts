import type { Frame, FrameSource } from '@fovea/sdk'

/** A recording that can be held: it flows to the end of its lead-in, and after that while the gate is open. */
export class Gate {
  #open = false
  #wake: (() => void)[] = []

  set(open: boolean): void {
    this.#open = open
    if (open) for (const wake of this.#wake.splice(0)) wake()
  }

  wait(): Promise<void> {
    return this.#open ? Promise.resolve() : new Promise((resolve) => this.#wake.push(resolve))
  }
}

export function gated(source: FrameSource, gate: Gate, { leadMs, onLead }: { leadMs: number; onLead: () => void }): FrameSource {
  return {
    policy: source.policy,
    ...(source.name && { name: source.name }),
    async *frames(context): AsyncGenerator<Frame> {
      let led = false
      for await (const frame of source.frames(context)) {
        if (frame.mediaTime > leadMs) {
          if (!led) onLead()
          led = true
          await gate.wait()
        }
        if (context.signal.aborted) return
        yield frame
      }
      if (!led) onLead()
    },
  }
}
