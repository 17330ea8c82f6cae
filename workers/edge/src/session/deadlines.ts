import type { Deadline, SessionStore } from '../store/session-store.ts'

export interface Alarm {
  /** when the standing alarm rings; undefined when none stands */
  readonly at: number | undefined
  set(at: number): void
}

/** Every wait is a row here, behind one alarm [SE5]: no timers, so that an idle session can sleep. */
export class Deadlines {
  readonly #store: SessionStore
  readonly #alarm: Alarm

  constructor(store: SessionStore, alarm: Alarm) {
    this.#store = store
    this.#alarm = alarm
  }

  set(kind: string, key: string, due: number): void {
    this.#store.setDeadline({ kind, key, due })
    this.#ring(due)
  }

  has(kind: string): boolean {
    return this.keys(kind).length > 0
  }

  /** What is waited for, of one kind. */
  keys(kind: string): string[] {
    return this.#store.deadlines().flatMap((one) => (one.kind === kind ? [one.key] : []))
  }

  clear(kind: string, key = ''): void {
    this.#store.clearDeadline(kind, key)
  }

  /** Takes out what is due. What is not goes on waiting: call `rearm` when the due ones are dealt with. */
  take(now: number): Deadline[] {
    const due = this.#store.deadlines().filter((one) => one.due <= now)
    for (const one of due) this.#store.clearDeadline(one.kind, one.key)
    return due
  }

  rearm(): void {
    const next = this.#store.deadlines()[0]
    if (next) this.#ring(next.due)
  }

  #ring(due: number): void {
    if (this.#alarm.at === undefined || due < this.#alarm.at) this.#alarm.set(due)
  }
}
