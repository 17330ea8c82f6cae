import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** What one answer took: milliseconds of CPU and of the clock, for the prompt and for each token. */
export type PeerReport = { prefillMs: number; stepMs: number; prefillWallMs: number; stepWallMs: number }

/** A peer in Python, one thread, over the same weights; each line is one answer. */
export class PeerChild {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #kind: string
  #complaint = ''

  constructor(python: string, kind: string, folder: string, { prompt, tokens }: { prompt: number; tokens: number }) {
    this.#kind = kind
    this.#process = spawn(python, [new URL('peer.py', import.meta.url).pathname, kind, folder, String(prompt), String(tokens)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1' },
    })
    const { stdout, stderr } = this.#process
    if (!stdout || !stderr) throw new Error(`${kind} was started without a stdout.`)
    stderr.on('data', (text: Buffer) => (this.#complaint = `${this.#complaint}${text}`.slice(-2000)))
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  }

  async answer(): Promise<PeerReport> {
    this.#process.stdin?.write('\n')
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`The peer ${this.#kind} ended without an answer: ${this.#complaint.trim().split('\n').at(-1) ?? ''}`)
    const report: PeerReport = JSON.parse(String(value))
    return report
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const gone = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.stdin?.end()
    await gone
  }
}
