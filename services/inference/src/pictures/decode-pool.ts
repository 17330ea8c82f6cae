import { Worker } from 'node:worker_threads'
import type { DecodeReply, DecodeRequest, DecodeWorkerData } from './decode-worker.ts'
import { PictureProblem, type PictureRequest } from './picture-decoder.ts'

export type Decoded = { slot: number; ms: number }
type Waiting = { resolve: (decoded: Decoded) => void; reject: (error: Error) => void; slot: number; thread: Thread }
type Thread = { worker: Worker; busy: number }

/** A few threads that decode pictures into slots of shared memory, from where the model thread reads them without a copy. */
export class DecodePool {
  readonly pixels: SharedArrayBuffer
  readonly slots: number
  decoder = 'none'
  readonly #threads: Thread[]
  readonly #free: number[]
  // One slot more than frames may take: the model thread waits for the pictures it wants back, so frames must not be able to hold them up.
  readonly #spare: number
  readonly #slotWaiters: ((slot: number) => void)[] = []
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1

  private constructor(pixels: SharedArrayBuffer, slots: number, threads: Thread[]) {
    this.pixels = pixels
    this.slots = slots
    this.#threads = threads
    this.#free = Array.from({ length: slots }, (_, index) => index)
    this.#spare = slots
  }

  static async open({ size, threads, slots }: { size: readonly [height: number, width: number]; threads: number; slots: number }): Promise<DecodePool> {
    const pixels = new SharedArrayBuffer((slots + 1) * size[0] * size[1] * 3)
    const workerData: DecodeWorkerData = { pixels, size }
    const pool = new DecodePool(
      pixels,
      slots,
      Array.from({ length: threads }, () => ({ worker: new Worker(new URL('./decode-worker.ts', import.meta.url), { workerData }), busy: 0 })),
    )
    await Promise.all(pool.#threads.map((thread) => pool.#listen(thread)))
    return pool
  }

  get freeSlots(): number {
    return this.#free.length
  }

  /** Decodes a picture into a free slot, waiting for one; the slot is the caller's until `release`. Throws PictureProblem. */
  async decode(request: PictureRequest): Promise<Decoded> {
    return this.#decodeInto(this.#free.pop() ?? (await new Promise<number>((resolve) => this.#slotWaiters.push(resolve))), request)
  }

  /** The same into the spare slot, for the one picture at a time that the model thread wants back. */
  decodeSpare(request: PictureRequest): Promise<Decoded> {
    return this.#decodeInto(this.#spare, request)
  }

  #decodeInto(slot: number, request: PictureRequest): Promise<Decoded> {
    const thread = this.#threads.reduce((best, each) => (each.busy < best.busy ? each : best))
    const id = this.#nextId++
    thread.busy++
    const message: DecodeRequest = { ...request, id, slot }
    return new Promise<Decoded>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, slot, thread })
      thread.worker.postMessage(message)
    })
  }

  release(slot: number): void {
    if (slot === this.#spare) return
    const waiter = this.#slotWaiters.shift()
    if (waiter) waiter(slot)
    else this.#free.push(slot)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
    for (const { reject } of this.#waiting.values()) reject(new PictureProblem('The service is closing.'))
    this.#waiting.clear()
  }

  #listen(thread: Thread): Promise<void> {
    return new Promise((resolve, reject) => {
      thread.worker.on('error', reject)
      thread.worker.on('message', (reply: DecodeReply) => {
        if (reply.type === 'open') {
          this.decoder = reply.decoder
          return resolve()
        }
        const waiting = this.#waiting.get(reply.id)
        if (!waiting) return
        this.#waiting.delete(reply.id)
        waiting.thread.busy--
        if (reply.type === 'done') return waiting.resolve({ slot: waiting.slot, ms: reply.ms })
        this.release(waiting.slot)
        waiting.reject(new PictureProblem(reply.message))
      })
    })
  }
}
