import type { FetchPixels } from './scenes.ts'
import type { FromModelThread, ToModelThread } from './thread-message.ts'

/** Asks the main thread for the pixels of kept pictures, one request each, and gives every slot back. */
export class PixelRequests {
  readonly #send: (message: FromModelThread) => void
  readonly #pixelsOf: (slot: number) => Uint8Array
  readonly #waiting = new Map<number, (slot: number | undefined) => void>()
  #next = 1

  constructor({ send, pixelsOf }: { send: (message: FromModelThread) => void; pixelsOf: (slot: number) => Uint8Array }) {
    this.#send = send
    this.#pixelsOf = pixelsOf
  }

  readonly fetch: FetchPixels = async (session, stream, frame, use) => {
    const request = this.#next++
    const answer = new Promise<number | undefined>((resolve) => this.#waiting.set(request, resolve))
    this.#send({ type: 'picture-wanted', request, session, stream, frame })
    const slot = await answer
    if (slot === undefined) return undefined
    try {
      return await use(this.#pixelsOf(slot))
    } finally {
      this.#send({ type: 'picture-done', slot })
    }
  }

  answer({ request, slot }: Extract<ToModelThread, { type: 'picture' }>): void {
    this.#waiting.get(request)?.(slot)
    this.#waiting.delete(request)
  }
}
