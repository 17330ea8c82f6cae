import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { inRepository } from './repository.ts'

export type InferenceOptions = {
  edgeUrl: string
  backendKey: string
  /** folder of the model bundle; the embedded one where absent */
  bundle?: string
  /** execution providers in order, such as `cuda,cpu` */
  providers?: string
  name: string
  /** further environment of the child */
  env?: Record<string, string>
  log?: (line: string) => void
}

/** What the child says of itself once it serves. */
export type InferenceReady = { port: number; model: string; providers: unknown }

const KEPT_LINES = 30
const END_MS = 5000

/** `services/inference` as a child: it dials the edge, and it ends with this process, because its stdin then closes. */
export class InferenceProcess {
  readonly ready: Promise<InferenceReady>
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #lines: string[] = []

  constructor({ edgeUrl, backendKey, bundle = inRepository('packages/model-nano'), providers = 'cpu', name, env = {}, log = () => {} }: InferenceOptions) {
    this.#child = spawn(process.execPath, [inRepository('services/inference/src/main.ts')], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        FOVEA_EDGE_URL: edgeUrl,
        FOVEA_BACKEND_KEY: backendKey,
        FOVEA_BUNDLE: bundle,
        FOVEA_PROVIDERS: providers,
        FOVEA_BACKEND_NAME: name,
        FOVEA_HTTP_PORT: '0',
        ...env,
      },
    })
    const { stdout, stderr } = this.#child
    this.exited = new Promise((resolve) => this.#child.once('exit', () => resolve()))
    this.ready = new Promise((resolve, reject) => {
      let port = 0
      const read = (line: string) => {
        this.#lines.push(line)
        if (this.#lines.length > KEPT_LINES) this.#lines.shift()
        log(line)
        const entry = parseLine(line)
        if (entry?.msg === 'listening' && typeof entry.port === 'number') port = entry.port
        if (entry?.msg === 'ready') resolve({ port, model: typeof entry.model === 'string' ? entry.model : 'unnamed', providers: entry.providers })
      }
      if (stdout) createInterface({ input: stdout }).on('line', read)
      if (stderr) createInterface({ input: stderr }).on('line', read)
      this.#child.once('error', reject)
      this.#child.once('exit', (code, signal) =>
        reject(new Error(`The inference service ended (${signal ?? `status ${code}`}) before it was ready:\n${this.#problem() ?? this.#lines.join('\n')}`)),
      )
    })
    this.ready.catch(() => {})
  }

  /** What the service itself says is wrong, as it was written and not as it was logged. */
  #problem(): string | undefined {
    const said = this.#lines.map((line) => parseLine(line)?.problem).findLast((problem) => problem !== undefined)
    return typeof said === 'string' ? said : undefined
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }

  /** Ends it cleanly; a child that does not listen is killed after 5 s. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS)
    await this.exited
    clearTimeout(timer)
  }
}

function parseLine(line: string): { problem?: unknown; msg?: unknown; port?: unknown; model?: unknown; providers?: unknown } | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
