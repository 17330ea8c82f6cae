import type { FrameSeen, Perception, SessionEvent } from '@fovea/protocol'

/** Something of this program that the edge tells about under one id. */
export type Subject = {
  readonly kind: 'ask' | 'watch' | 'track' | 'turn' | 'workflow run' | 'stream' | 'picture'
  event?(event: SessionEvent): void
  /** the edge has it, but the event that said so is lost */
  stands?(): void
  perception?(perception: Perception, seen: FrameSeen, captureAgeMs: number): void
  picture?(picture: Uint8Array): void
  fail(error: Error): void
}

/** Who wants to hear of which id. */
export class Subjects {
  readonly #entries = new Map<string, { subject: Subject; over: AbortController }>()

  /** The returned signal aborts when the subject is over: what was set up for it goes then. */
  add(id: string, subject: Subject): AbortSignal {
    this.remove(id)
    const over = new AbortController()
    this.#entries.set(id, { subject, over })
    return over.signal
  }

  get(id: string): Subject | undefined {
    return this.#entries.get(id)?.subject
  }

  /** Runs `then` after the time, unless the subject is over by then. */
  after(id: string, ms: number, then: () => void): void {
    const timer = setTimeout(then, ms)
    this.#entries.get(id)?.over.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }

  remove(id: string): void {
    this.#entries.get(id)?.over.abort()
    this.#entries.delete(id)
  }

  /** The edge refused it, or it will never be answered. */
  fail(id: string, error: Error): void {
    const subject = this.get(id)
    this.remove(id)
    subject?.fail(error)
  }

  failAll(error: Error): void {
    for (const id of this.#entries.keys()) this.fail(id, error)
  }

  /** Nobody here waits for it any more; the edge may still speak of it. */
  abandon(id: string, error: Error): void {
    const subject = this.get(id)
    if (!subject) return
    this.add(id, { kind: subject.kind, fail: () => {} })
    subject.fail(error)
  }

  [Symbol.iterator](): IterableIterator<[string, Subject]> {
    return Array.from(this.#entries, ([id, { subject }]): [string, Subject] => [id, subject]).values()
  }
}

/** The id an event is about. */
export function subjectOf(event: SessionEvent): string | undefined {
  if ('ask' in event) return event.ask
  if ('watch' in event) return event.watch
  if ('track' in event) return event.track
  if ('turn' in event) return event.turn
  if ('run' in event) return event.run
  if (event.type === 'stream-opened' || event.type === 'stream-closed') return streamSubject(event.stream)
  return undefined
}

export function streamSubject(stream: number): string {
  return `stream/${stream}`
}

/** After these an id is history. */
export function isLast({ type }: SessionEvent): boolean {
  return (
    type === 'answer-ended' ||
    type === 'watch-stopped' ||
    type === 'track-ended' ||
    type === 'turn-ended' ||
    type === 'workflow-ended' ||
    type === 'stream-closed'
  )
}
