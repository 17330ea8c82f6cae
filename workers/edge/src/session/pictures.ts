import { encodePicture, ProtocolError, readPicture } from '@fovea/protocol'
import type { ErrorBody, ToBackend } from '@fovea/protocol'
import type { ClientLink } from './client-link.ts'
import type { SessionContext } from './context.ts'

type PictureGet = Extract<ToBackend, { type: 'picture-get' }>
type Waiter = { resolve: (picture: ArrayBuffer) => void; reject: (error: ProtocolError) => void }

/** A request id on the backend's link is `<asker>-<the asker's own id>`: the asker is found again even after an eviction. */
const HTTP = 'h'
const MAX_ID = 64
/** A picture that has not come by then is refused: its backend may be gone, or another. */
const PATIENCE_MS = 10_000
/** Pictures one socket may wait for: each may hold megabytes here until it is read. */
const AT_ONCE = 8
const KIND = 'picture'

/** Pictures of retained frames: asked for by a socket or over HTTP, drawn by the backend [PE4]. What is waited for stands among the deadlines. */
export class Pictures {
  readonly #waiters = new Map<string, Waiter>()
  readonly #context: SessionContext
  readonly #client: (tag: number) => ClientLink | undefined
  #count = 0

  constructor(context: SessionContext, client: (tag: number) => ClientLink | undefined) {
    this.#context = context
    this.#client = client
  }

  get(link: ClientLink, message: PictureGet): void {
    const own = `${link.attachment.tag}-`
    const request = own + message.request
    if (link.slow) throw new ProtocolError('rate', 'Read the messages that were sent before asking for more pictures.', { retryable: true })
    if (request.length > MAX_ID) throw new ProtocolError('invalid-message', `A request id holds ${MAX_ID - 8} characters; ${message.request.length} came.`)
    if (this.#context.deadlines.keys(KIND).filter((key) => key.startsWith(own)).length >= AT_ONCE)
      throw new ProtocolError('rate', `${AT_ONCE} pictures may be waited for at once. Ask again when one has come.`, { retryable: true, expected: AT_ONCE })
    this.#ask({ ...message, request })
  }

  /** For HTTP: the picture's bytes. */
  async fetch(message: Omit<PictureGet, 'request' | 'type'>): Promise<ArrayBuffer> {
    const request = `${HTTP}-${++this.#count}`
    return new Promise((resolve, reject) => {
      this.#waiters.set(request, { resolve, reject })
      try {
        this.#ask({ type: 'picture-get', ...message, request })
      } catch (error) {
        this.#waiters.delete(request)
        reject(error)
      }
    })
  }

  /** A picture from the backend, on to whoever asked. One that comes too late was refused already. */
  arrived(bytes: ArrayBuffer): void {
    const picture = readPicture(bytes)
    if ('problem' in picture || !this.#settle(picture.request)) return
    const [asker, request] = split(picture.request)
    if (asker !== HTTP) return this.#client(Number(asker))?.bytes(encodePicture({ ...picture, request }, picture.picture))
    this.#waiters.get(picture.request)?.resolve(picture.picture.slice().buffer)
    this.#waiters.delete(picture.request)
  }

  /** The backend has refused a request; true where it was one of these. */
  refused(id: string, error: ErrorBody): boolean {
    if (!this.#settle(id)) return false
    this.#refuse(id, error)
    return true
  }

  /** The backend has not answered in time. */
  expired(id: string): void {
    this.#refuse(id, new ProtocolError('unavailable', 'The backend did not draw this picture in time. Try again.', { retryable: true }).body())
  }

  #ask(message: PictureGet): void {
    const { toBackend, deadlines, now } = this.#context
    if (!toBackend(message)) throw new ProtocolError('frame-gone', 'No backend holds frames of this session at the moment.')
    deadlines.set(KIND, message.request, now() + PATIENCE_MS)
  }

  /** True where the request was waited for until now. */
  #settle(id: string): boolean {
    const { deadlines } = this.#context
    if (!deadlines.keys(KIND).includes(id)) return false
    deadlines.clear(KIND, id)
    return true
  }

  #refuse(id: string, error: ErrorBody): void {
    const [asker, request] = split(id)
    if (asker !== HTTP) return this.#client(Number(asker))?.say({ type: 'error', ...error, of: request })
    const { code, message, ...details } = error
    this.#waiters.get(id)?.reject(new ProtocolError(code, message, details))
    this.#waiters.delete(id)
  }
}

function split(id: string): [asker: string, request: string] {
  const dash = id.indexOf('-')
  return dash < 0 ? ['', id] : [id.slice(0, dash), id.slice(dash + 1)]
}
