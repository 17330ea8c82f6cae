import type { FrameSeen, Perception, SessionEvent } from '@fovea/protocol'

/** Something of this program that the edge tells about under one id: an ask, watch, track, turn, run, stream or request. */
export type Subject = {
  event?(event: SessionEvent): void
  perception?(perception: Perception, seen: FrameSeen, captureAgeMs: number): void
  picture?(picture: Uint8Array): void
  fail(error: Error): void
}

/** Who wants to hear of which id. */
export class Subjects {
  readonly #subjects = new Map<string, Subject>()

  add(id: string, subject: Subject): void {
    this.#subjects.set(id, subject)
  }

  get(id: string): Subject | undefined {
    return this.#subjects.get(id)
  }

  remove(id: string): void {
    this.#subjects.delete(id)
  }

  /** The edge refused it, or it will never be answered. */
  fail(id: string, error: Error): void {
    const subject = this.#subjects.get(id)
    this.#subjects.delete(id)
    subject?.fail(error)
  }

  failAll(error: Error): void {
    for (const id of this.#subjects.keys()) this.fail(id, error)
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
