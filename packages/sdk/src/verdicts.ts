import type { DropReason, FrameDropped, FrameSeen, FramesSettled, Perception, StreamPolicy, View } from '@fovea/protocol'
import { Broadcast } from './broadcast.ts'
import { Mailbox } from './mailbox.ts'
import type { Settled } from './mailbox.ts'
import type { Result } from './results.ts'

type Hooks = {
  canSend: () => boolean
  send: (bytes: Uint8Array<ArrayBuffer>) => boolean
  /** one perception of one frame, with its age since capture */
  onPerception(perception: Perception, seen: FrameSeen, captureAgeMs: number): void
  now?: () => number
}

/** All streams of one session: a mailbox each, every verdict turned into a result, the newest view remembered. */
export class Verdicts {
  readonly results = new Broadcast<Result>({ limit: 1024 })
  readonly #hooks: Hooks
  readonly #now: () => number
  readonly #mailboxes = new Map<number, Mailbox>()
  /** the newest frame seen of each stream; of the streams, the one seen last stands last */
  readonly #views = new Map<number, { seen: FrameSeen; capturedAt: number }>()

  constructor(hooks: Hooks) {
    this.#hooks = hooks
    this.#now = hooks.now ?? (() => performance.now())
  }

  /** `sent`, `mediaTime`: where an earlier program left it. */
  open(stream: number, policy: StreamPolicy, { sent = 0, mediaTime }: { sent?: number; mediaTime?: number | undefined } = {}): Mailbox {
    const { canSend, send } = this.#hooks
    const mailbox = new Mailbox({ stream, policy, sent, mediaTime, canSend, send, now: this.#now })
    this.#mailboxes.set(stream, mailbox)
    return mailbox
  }

  /** A stream is over. Its mailbox stays as long as a number of it has no verdict [FR1]. */
  close(stream: number, error: Error): void {
    const mailbox = this.#mailboxes.get(stream)
    mailbox?.close(error)
    if (mailbox?.isOver) this.#mailboxes.delete(stream)
    this.#views.delete(stream)
  }

  mailbox(stream: number): Mailbox | undefined {
    return this.#mailboxes.get(stream)
  }

  get mailboxes(): IterableIterator<Mailbox> {
    return this.#mailboxes.values()
  }

  view(stream = [...this.#views.keys()].at(-1)): View | undefined {
    const newest = stream === undefined ? undefined : this.#views.get(stream)
    if (!newest) return undefined
    const { frame, mediaTime, receivedAt, perceptions } = newest.seen
    return { stream: newest.seen.stream, frame, mediaTime, receivedAt, perceptions, ageMs: this.#now() - newest.capturedAt }
  }

  seen(message: FrameSeen): void {
    const { stream, frame, perceptions } = message
    const settled = this.#settle(stream, frame, 'seen')
    const now = this.#now()
    // A viewer reads verdicts of frames it never sent: their age counts from here.
    const capturedAt = settled?.capturedAt ?? now
    this.#views.delete(stream)
    this.#views.set(stream, { seen: message, capturedAt })
    const captureAgeMs = now - capturedAt
    for (const perception of perceptions) this.#hooks.onPerception(perception, message, captureAgeMs)
    this.results.publish({ ...message, captureAgeMs })
  }

  dropped({ stream, frame, reason, message }: FrameDropped): void {
    const settled = this.#settle(stream, frame, 'dropped', reason)
    if (settled) this.results.publish({ type: 'frame-dropped', stream, frame, reason, mediaTime: settled.mediaTime, ...(message && { message }) })
  }

  settled({ stream, ranges }: FramesSettled): void {
    for (const { from, to, outcome, reason = 'unavailable' } of ranges) {
      for (let frame = from; frame <= to; frame++) {
        const entry = this.#settle(stream, frame, outcome, outcome === 'dropped' ? reason : undefined)
        if (!entry) continue
        const place = { stream, frame, mediaTime: entry.mediaTime }
        this.results.publish(outcome === 'seen' ? { type: 'frame-settled', ...place } : { type: 'frame-dropped', ...place, reason })
      }
    }
  }

  end(error: Error): void {
    for (const mailbox of this.#mailboxes.values()) mailbox.close(error)
    this.results.end()
  }

  #settle(stream: number, frame: number, outcome: 'seen' | 'dropped', reason?: DropReason): Settled | undefined {
    const mailbox = this.#mailboxes.get(stream)
    const settled = mailbox?.settle(frame, outcome, reason)
    if (mailbox?.isOver) this.#mailboxes.delete(stream)
    return settled
  }
}
