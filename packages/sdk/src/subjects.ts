import type { SessionEvent } from '@fovea/protocol'

/** Something of this program that the log tells about under one id: an ask, watch, track, turn, run, stream or request. */
export type Subject = {
  event?(event: SessionEvent): void
  fail(error: Error): void
}

/** Who wants to hear of which id. */
export class Subjects {
  readonly #subjects = new Map<string, Subject>()

  add(id: string, subject: Subject): void {
    this.#subjects.set(id, subject)
  }

  remove(id: string): void {
    this.#subjects.delete(id)
  }

  event(id: string, event: SessionEvent): void {
    this.#subjects.get(id)?.event?.(event)
  }

  /** The edge refused it. False when nobody here asked. */
  fail(id: string, error: Error): boolean {
    const subject = this.#subjects.get(id)
    this.#subjects.delete(id)
    subject?.fail(error)
    return subject !== undefined
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
