import { EventEmitter } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Pulse, PULSE_BYTES } from './pulse.ts'
import type { FromModelThread, ModelThreadData, ToModelThread } from './thread-message.ts'

export type Ready = Extract<FromModelThread, { type: 'ready' }>
type Heard = { message: [FromModelThread]; lost: [Error] }

/** The main thread's end of the model thread: starts it, speaks with it, says whether it lives. */
export class ModelHost extends EventEmitter<Heard> {
  readonly ready: Ready
  readonly pulse: Pulse
  readonly #worker: Worker

  private constructor(worker: Worker, ready: Ready, pulse: Pulse) {
    super()
    this.#worker = worker
    this.ready = ready
    this.pulse = pulse
    worker.on('message', (message: FromModelThread) => this.emit('message', message))
    worker.on('error', (error) => this.emit('lost', error))
  }

  /** Loads the bundle in its own thread; resolves once it is warm. Throws what the bundle reader says. */
  static async open(options: Omit<ModelThreadData, 'pulse'>): Promise<ModelHost> {
    const memory = new SharedArrayBuffer(PULSE_BYTES)
    const workerData: ModelThreadData = { ...options, pulse: memory }
    const worker = new Worker(new URL('./model-thread.ts', import.meta.url), { workerData })
    try {
      return new ModelHost(worker, await firstWords(worker), new Pulse(memory))
    } catch (error) {
      await worker.terminate()
      throw error
    }
  }

  post(message: ToModelThread): void {
    this.#worker.postMessage(message)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}

function firstWords(worker: Worker): Promise<Ready> {
  return new Promise<Ready>((resolve, reject) => {
    const ended = (code: number): void => reject(new Error(`The model thread ended with code ${code} before it was ready.`))
    // Listeners are taken off one by one: taking off all of them also takes off the worker's own.
    worker.once('error', reject)
    worker.once('exit', ended)
    worker.once('message', (message: FromModelThread) => {
      worker.off('error', reject)
      worker.off('exit', ended)
      if (message.type === 'ready') resolve(message)
      else reject(new Error(message.type === 'failed' ? message.message : `The model thread said ${message.type} before it was ready.`))
    })
  })
}
