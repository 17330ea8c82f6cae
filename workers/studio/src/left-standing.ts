import type { SessionEvent, SessionReset, WatchBody } from '@fovea/protocol'
import { isLoss } from './loss.ts'

/**
 * What an earlier page of this session has left at the edge: its streams, and the watches that stand on them. A reload builds it from the
 * log that is read again, or from the state where the log no longer reaches back [EV2]. A watch that went with its backend is left too, until
 * the same is watched again or another picture is.
 */
export class LeftStanding {
  readonly streams = new Set<number>()
  readonly #watches = new Map<string, WatchBody>()
  readonly #lost = new Map<string, WatchBody>()

  get watches(): readonly WatchBody[] {
    return [...this.#lost.values(), ...this.#watches.values()]
  }

  /** Takes an event that is not about what this page has started; true where the watches have changed. */
  take(event: SessionEvent): boolean {
    switch (event.type) {
      case 'stream-opened':
        this.streams.add(event.stream)
        return this.#forgetLost(() => true)
      case 'stream-closed':
        this.streams.delete(event.stream)
        return false
      case 'watch-started': {
        const { type: _type, seq: _seq, at: _at, standing: _standing, ...watch } = event
        this.#watches.set(watch.watch, watch)
        this.#forgetLost(({ query, task }) => query === watch.query && task === watch.task)
        return true
      }
      case 'watch-stopped': {
        const watch = this.#watches.get(event.watch)
        if (watch && isLoss(event.error)) this.#lost.set(event.watch, watch)
        return this.#watches.delete(event.watch)
      }
      default:
        return false
    }
  }

  reset({ streams, watches }: Pick<SessionReset['state'], 'streams' | 'watches'>): void {
    this.clear()
    for (const { stream } of streams) this.streams.add(stream)
    for (const watch of watches) this.#watches.set(watch.watch, watch)
  }

  /** Takes one out. What is returned stands at the edge, and is to be stopped there. */
  release(watch: string): WatchBody | undefined {
    this.#lost.delete(watch)
    const body = this.#watches.get(watch)
    this.#watches.delete(watch)
    return body
  }

  clear(): void {
    this.streams.clear()
    this.#watches.clear()
    this.#lost.clear()
  }

  #forgetLost(isOver: (watch: WatchBody) => boolean): boolean {
    const over = [...this.#lost.values()].filter(isOver)
    for (const { watch } of over) this.#lost.delete(watch)
    return over.length > 0
  }
}
