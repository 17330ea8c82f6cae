import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process of a bench: started from a file of this folder, spoken to with JSON lines, measured by its id. */
export class Child {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #name: string

  constructor(file: string, env: Record<string, string> = {}) {
    this.#name = file
    this.#process = spawn(process.execPath, [new URL(file, import.meta.url).pathname], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } })
    const { stdout } = this.#process
    if (!stdout) throw new Error(`${file} was started without a stdout.`)
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`${this.#name} did not start.`)
    return this.#process.pid
  }

  tell(message: unknown): void {
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`)
  }

  /** The next line it says; benches know what their own processes say. */
  async hear<T>(): Promise<T> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${this.#name} ended without an answer.`)
    const said: T = JSON.parse(String(value))
    return said
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGTERM')
    await gone
  }
}
