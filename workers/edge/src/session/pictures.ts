import { encodePicture, ProtocolError, readPicture } from '@fovea/protocol'
import type { ErrorBody, ToBackend } from '@fovea/protocol'
import type { ClientLink } from './client-link.ts'

type PictureGet = Extract<ToBackend, { type: 'picture-get' }>
type Waiter = { resolve: (picture: ArrayBuffer) => void; reject: (error: ProtocolError) => void }

/** A request id on the backend's link is `<asker>-<the asker's own id>`: the asker is found again even after an eviction. */
const HTTP = 'h'
const MAX_ID = 64

/** Pictures of retained frames: asked for by a socket or over HTTP, drawn by the backend [PE4]. */
export class Pictures {
  readonly #waiters = new Map<string, Waiter>()
  readonly #toBackend: (message: ToBackend) => boolean
  readonly #client: (tag: number) => ClientLink | undefined
  #count = 0

  constructor({ toBackend, client }: { toBackend: (message: ToBackend) => boolean; client: (tag: number) => ClientLink | undefined }) {
    this.#toBackend = toBackend
    this.#client = client
  }

  get(link: ClientLink, message: PictureGet): void {
    if (link.slow) throw new ProtocolError('rate', 'Read the messages that were sent before asking for more pictures.', { retryable: true })
    const request = `${link.attachment.tag}-${message.request}`
    if (request.length > MAX_ID) throw new ProtocolError('invalid-message', `A request id holds ${MAX_ID - 8} characters; ${message.request.length} came.`)
    this.#ask({ ...message, request })
  }

  /** For HTTP: the picture's bytes. */
  async fetch(message: Omit<PictureGet, 'request' | 'type'>, giveUp: (request: string) => void): Promise<ArrayBuffer> {
    const request = `${HTTP}-${++this.#count}`
    return new Promise((resolve, reject) => {
      this.#waiters.set(request, { resolve, reject })
      try {
        this.#ask({ type: 'picture-get', ...message, request })
        giveUp(request)
      } catch (error) {
        this.#waiters.delete(request)
        reject(error)
      }
    })
  }

  /** A picture from the backend, on to whoever asked. */
  arrived(bytes: ArrayBuffer): void {
    const picture = readPicture(bytes)
    if ('problem' in picture) return
    const [asker, request] = split(picture.request)
    if (asker === HTTP) {
      this.#waiters.get(picture.request)?.resolve(picture.picture.slice().buffer)
      this.#waiters.delete(picture.request)
      return
    }
    this.#client(Number(asker))?.bytes(encodePicture({ ...picture, request }, picture.picture))
  }

  /** A request that came to nothing; true where the id was one of ours. */
  refused(id: string, error: ErrorBody): boolean {
    const waiter = this.#waiters.get(id)
    if (waiter) {
      this.#waiters.delete(id)
      const { code, message, ...details } = error
      waiter.reject(new ProtocolError(code, message, details))
      return true
    }
    const [asker, request] = split(id)
    const link = /^\d+$/.test(asker) ? this.#client(Number(asker)) : undefined
    link?.say({ type: 'error', ...error, of: request })
    return link !== undefined
  }

  #ask(message: PictureGet): void {
    if (!this.#toBackend(message)) throw new ProtocolError('frame-gone', 'No backend holds frames of this session at the moment.')
  }
}

function split(id: string): [asker: string, request: string] {
  const dash = id.indexOf('-')
  return dash < 0 ? ['', id] : [id.slice(0, dash), id.slice(dash + 1)]
}
