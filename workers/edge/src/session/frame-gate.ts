import { DEFAULT_WINDOW, ProtocolError } from '@fovea/protocol'
import type { DropReason, FrameHeader, Limits } from '@fovea/protocol'

/** A number whose verdict is still to come. `held`: its bytes wait at the edge for a backend. Short names: this travels in the socket's attachment with every frame. */
export type Pending = { n: number; at: number; t: number; held: boolean }

/** All that the edge knows of a stream's numbers. `settled` is `sent - pending.length`: every number at or below `sent` is pending or settled [FR1]. */
export type StreamCounters = {
  stream: number
  sent: number
  window: number
  /** a lowered window binds once the sender has read more than `until` verdicts; until then `window` here holds [FR2] */
  looser: { window: number; until: number } | null
  pending: Pending[]
  /** the newest numbers that were dropped, for a reader who lost their verdicts [EV2] */
  drops: { n: number; why: DropReason }[]
  /** the newest frame seen */
  seen: { n: number; t: number; at: number } | null
  dropped: number
}

export type Range = { from: number; to: number; outcome: 'seen' | 'dropped'; reason?: DropReason }

/** What becomes of a frame: no number used, or a number used and the frame forwarded or dropped. */
export type Admission =
  | { name: 'refused'; error: ProtocolError }
  | { name: 'forward'; gap: Range | null }
  | { name: 'drop'; gap: Range | null; reason: DropReason; beyondWindow: boolean }

const KEPT_DROPS = 32

export function newCounters(stream: number, window = DEFAULT_WINDOW): StreamCounters {
  return { stream, sent: 0, window, looser: null, pending: [], drops: [], seen: null, dropped: 0 }
}

/** Counts one stream's numbers: which frame may pass, what is still owed, what became of each [FR1] [FR2]. Pure: no socket, no store, no clock. */
export class FrameGate {
  readonly counters: StreamCounters

  constructor(counters: StreamCounters) {
    this.counters = counters
  }

  /** Takes the frame's number and says what to do with the frame. `instead` is the verdict where the stream as a whole takes none. */
  admit(header: FrameHeader, bytes: number, now: number, limits: Limits, instead: DropReason | null): Admission {
    const { counters } = this
    const number = header.frame
    const expected = counters.sent + 1
    if (number < expected) {
      return {
        name: 'refused',
        error: new ProtocolError('frame-number', `Frame ${number} of stream ${header.stream} came before. Send ${expected} next.`, { expected, got: number }),
      }
    }
    let gap: Range | null = null
    if (number > expected) {
      gap = { from: expected, to: number - 1, outcome: 'dropped', reason: 'unavailable' }
      this.#remember(number - 1, 'unavailable', number - expected)
    }
    const settled = number - 1 - counters.pending.length
    if (counters.looser && header.verdictsRead > counters.looser.until) counters.looser = null
    const window = counters.looser ? Math.max(counters.looser.window, counters.window) : counters.window
    counters.sent = number
    // A sender that claims verdicts it was never sent has lost count: its claim buys no credit.
    // What the sender skipped it could not have read: it does not count against the frame that shows the gap.
    const beyond = header.verdictsRead > settled || expected - header.verdictsRead > window
    if (beyond || instead) return this.#drop(gap, number, instead ?? 'budget', beyond && window > 0)
    if (bytes > limits.maxFrameBytes || header.width * header.height > limits.maxPixels) return this.#drop(gap, number, 'too-large', false)
    counters.pending.push({ n: number, at: now, t: header.mediaTime, held: false })
    return { name: 'forward', gap }
  }

  /** The verdict of a pending number has come; undefined when it had one already. */
  settle(number: number, reason: DropReason | null): Pending | undefined {
    const { pending } = this.counters
    const index = pending.findIndex((one) => one.n === number)
    const one = pending[index]
    if (!one) return undefined
    pending.splice(index, 1)
    if (reason) this.#remember(number, reason, 1)
    else if (!this.counters.seen || number > this.counters.seen.n) this.counters.seen = { n: number, t: one.t, at: one.at }
    return one
  }

  /** Settles all pending numbers that match, and names them as ranges. */
  settleAll(reason: DropReason, which: (one: Pending) => boolean = () => true): Range[] {
    const numbers = this.counters.pending.filter(which).map((one) => one.n)
    for (const number of numbers) this.settle(number, reason)
    return toRanges(numbers.map((number) => ({ number, outcome: 'dropped' as const, reason })))
  }

  /** Sets the window; true where the sender has to be told. A lowered one binds what it numbers after reading it [FR2]. */
  setWindow(window: number): boolean {
    const { counters } = this
    if (counters.window === window) return false
    if (window < counters.window) {
      const looser = Math.max(counters.window, counters.looser?.window ?? 0)
      counters.looser = { window: looser, until: counters.sent - counters.pending.length }
    }
    counters.window = window
    return true
  }

  /** A sender is back: its numbers count, what it does not name it has read, and what it names and nobody owes any more is told at once [EV2]. */
  resume(sent: number, unsettled: readonly number[]): Range[] {
    const { counters } = this
    const named = new Set(unsettled)
    // After a crash the counters may be older than what the sender has read: a verdict that it has is not given again [FR1].
    counters.pending = counters.pending.filter((one) => one.n > sent || named.has(one.n))
    if (sent > counters.sent) {
      const lost = sent - counters.sent
      counters.sent = sent
      this.#remember(sent, 'unavailable', lost)
    }
    const told = [...named].filter((number) => number <= counters.sent && !counters.pending.some((one) => one.n === number)).toSorted((a, b) => a - b)
    return toRanges(told.map((number) => ({ number, ...this.#outcome(number) })))
  }

  #outcome(number: number): { outcome: 'seen' | 'dropped'; reason?: DropReason } {
    const { drops } = this.counters
    const drop = drops.find((one) => one.n === number)
    if (drop) return { outcome: 'dropped', reason: drop.why }
    // A number older than the oldest drop still known may have been dropped and forgotten.
    if (drops.length === KEPT_DROPS && number < (drops[0]?.n ?? 0)) return { outcome: 'dropped', reason: 'unavailable' }
    return { outcome: 'seen' }
  }

  #drop(gap: Range | null, number: number, reason: DropReason, beyondWindow: boolean): Admission {
    this.#remember(number, reason, 1)
    return { name: 'drop', gap, reason, beyondWindow }
  }

  /** Notes the `count` numbers that end at `last` as dropped; only the newest are kept. */
  #remember(last: number, why: DropReason, count: number): void {
    const { counters } = this
    counters.dropped += count
    for (let number = last - Math.min(count, KEPT_DROPS) + 1; number <= last; number++) counters.drops.push({ n: number, why })
    counters.drops.sort((a, b) => a.n - b.n)
    if (counters.drops.length > KEPT_DROPS) counters.drops.splice(0, counters.drops.length - KEPT_DROPS)
  }
}

/** Rising numbers with outcomes, neighbours alike joined. */
function toRanges(numbers: readonly { number: number; outcome: 'seen' | 'dropped'; reason?: DropReason }[]): Range[] {
  const ranges: Range[] = []
  for (const { number, outcome, reason } of numbers) {
    const last = ranges.at(-1)
    if (last && last.to === number - 1 && last.outcome === outcome && last.reason === reason) last.to = number
    else ranges.push({ from: number, to: number, outcome, ...(reason && { reason }) })
  }
  return ranges
}
