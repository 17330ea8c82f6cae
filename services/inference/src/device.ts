import type { ModelInfo } from '@fovea/protocol'
import { ModelHost, type Ready } from './model-host.ts'
import { DecodePool } from './pictures/decode-pool.ts'
import type { PictureRequest } from './pictures/picture-decoder.ts'
import type { FromModelThread, ModelThreadData, ToModelThread } from './thread-message.ts'

/** What a session is to the device: someone who hears its messages and can give a kept picture back. */
export interface DeviceSession {
  hear(message: Extract<FromModelThread, { session: string }>): void
  picture(stream: number, frame: number): PictureRequest | undefined
}
export type DeviceOptions = Omit<ModelThreadData, 'pulse'> & {
  decodeThreads: number
  frameSlots?: number
  onTrouble: (message: string) => void
  onLost: (error: Error) => void
}

/** One device: its model thread, the threads that decode pictures for it, and the sessions that live on it. */
export class Device {
  readonly pictures: DecodePool
  readonly #host: ModelHost
  readonly #sessions = new Map<string, DeviceSession>()
  readonly #options: DeviceOptions

  private constructor(host: ModelHost, pictures: DecodePool, options: DeviceOptions) {
    this.#host = host
    this.pictures = pictures
    this.#options = options
    host.on('message', (message) => this.#hear(message))
    host.on('lost', options.onLost)
    host.post({ type: 'pixels', pixels: pictures.pixels })
  }

  static async open(options: DeviceOptions): Promise<Device> {
    const { bundle, providers, threads, slots, prefillChunk, memory, kept, engine } = options
    const host = await ModelHost.open({ bundle, providers, threads, slots, prefillChunk, memory, kept, engine })
    const { height, width } = host.ready.image
    const pictures = await DecodePool.open({ size: [height, width], threads: options.decodeThreads, slots: options.frameSlots ?? 32 })
    return new Device(host, pictures, options)
  }

  get model(): ModelInfo {
    return this.#host.ready.model
  }

  get report(): Ready {
    return this.#host.ready
  }

  get busyMs(): number {
    return this.#host.pulse.busyMs
  }

  get state(): 'ready' | 'hung' {
    return this.#host.pulse.hangs ? 'hung' : 'ready'
  }

  get sessions(): number {
    return this.#sessions.size
  }

  add(id: string, session: DeviceSession): void {
    this.#sessions.set(id, session)
  }

  remove(id: string): void {
    this.#sessions.delete(id)
  }

  post(message: ToModelThread): void {
    this.#host.post(message)
  }

  async close(): Promise<void> {
    await Promise.all([this.#host.close(), this.pictures.close()])
  }

  #hear(message: FromModelThread): void {
    switch (message.type) {
      case 'verdict':
        this.pictures.release(message.slot)
        this.#sessions.get(message.session)?.hear(message)
        return
      case 'say':
        this.#sessions.get(message.session)?.hear(message)
        return
      case 'picture-wanted':
        return void this.#fetch(message)
      case 'picture-done':
        return this.pictures.release(message.slot)
      case 'trouble':
        return this.#options.onTrouble(message.message)
      case 'ready':
      case 'failed':
        return
    }
  }

  async #fetch({ request, session, stream, frame }: Extract<FromModelThread, { type: 'picture-wanted' }>): Promise<void> {
    const picture = this.#sessions.get(session)?.picture(stream, frame)
    const decoded = picture ? await this.pictures.decodeSpare(picture).catch(() => undefined) : undefined
    this.#host.post({ type: 'picture', request, slot: decoded?.slot })
  }
}
