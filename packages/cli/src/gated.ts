import type { Frame, FrameSource } from '@fovea/sdk'

/** A recording that can be held: it flows to the end of its lead-in, and after that while the gate is open. */
export class Gate {
  /** resolves when the lead-in has been taken, or the recording is shorter than it */
  readonly led: Promise<void>
  #lead: () => void = () => {}
  #open = false
  #wake: (() => void)[] = []

  constructor() {
    this.led = new Promise((resolve) => (this.#lead = resolve))
  }

  /** @internal */
  lead(): void {
    this.#lead()
  }

  set(open: boolean): void {
    this.#open = open
    if (open) for (const wake of this.#wake.splice(0)) wake()
  }

  wait(): Promise<void> {
    return this.#open ? Promise.resolve() : new Promise((resolve) => this.#wake.push(resolve))
  }
}

export function gated(source: FrameSource, gate: Gate, { leadMs }: { leadMs: number }): FrameSource {
  return {
    policy: source.policy,
    ...(source.name && { name: source.name }),
    async *frames(context): AsyncGenerator<Frame> {
      for await (const frame of source.frames(context)) {
        if (frame.mediaTime > leadMs) {
          gate.lead()
          await gate.wait()
        }
        if (context.signal.aborted) return
        yield frame
      }
      gate.lead()
    },
  }
}
