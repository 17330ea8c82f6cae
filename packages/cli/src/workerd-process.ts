import { AsyncLocalStorage } from 'node:async_hooks'
import { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'

const starting = new AsyncLocalStorage<WorkerdProcess>()
subscribe('child_process', (message) => {
  if (typeof message !== 'object' || message === null || !('process' in message) || !(message.process instanceof ChildProcess)) return
  starting.getStore()?.hear(message.process)
})

/**
 * The workerd that Miniflare starts, and the ones it starts anew where one ends: Miniflare tells of none of them. Asked to end,
 * workerd waits for its connections, so one that a signal has reached before the house did may outlive it.
 */
export class WorkerdProcess {
  readonly #children = new Set<ChildProcess>()
  #ended = false

  /** Hears of every process that `start` starts, also later on. */
  during<T>(start: () => T): T {
    return starting.run(this, start)
  }

  get pid(): number | undefined {
    return [...this.#children].findLast(lives)?.pid
  }

  /** Resolves when none is left. */
  async end(): Promise<void> {
    this.#ended = true
    await Promise.all([...this.#children].filter(lives).map(kill))
  }

  /** @internal */
  hear(child: ChildProcess): void {
    this.#children.add(child)
    child.once('spawn', () => this.#ended && child.kill('SIGKILL'))
    child.once('exit', () => this.#children.delete(child))
  }
}

function lives({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null
}

function kill(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
