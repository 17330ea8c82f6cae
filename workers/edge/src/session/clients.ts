import type { TransientMessage } from '@fovea/protocol'
import { ClientLink } from './client-link.ts'
import type { Logged } from './event-log.ts'
import type { SessionSocket } from './socket.ts'

/** The sockets of a session's clients: one owner [SE2] and any number of viewers. */
export class Clients {
  readonly #links = new Map<SessionSocket, ClientLink>()
  readonly #now: () => number
  #owner: ClientLink | undefined
  #tags = 0

  /** Takes up the sockets that outlived the sleep of this object. */
  constructor(sockets: Iterable<SessionSocket>, now: () => number) {
    this.#now = now
    for (const socket of sockets) {
      const attachment = socket.deserializeAttachment()
      if (attachment?.kind !== 'client') continue
      this.#tags = Math.max(this.#tags, attachment.tag)
      if (attachment.closed) continue
      const link = new ClientLink(socket, attachment, { now, woken: true })
      this.#links.set(socket, link)
      // One that closes by itself may still be listed beside its successor: the newest counts.
      if (link.isOwner && attachment.tag > (this.#owner?.attachment.tag ?? 0)) this.#owner = link
    }
  }

  get owner(): ClientLink | undefined {
    return this.#owner
  }

  get size(): number {
    return this.#links.size
  }

  /** True while one of them reads too slowly. */
  get slow(): boolean {
    for (const link of this.#links.values()) if (link.slow) return true
    return false
  }

  [Symbol.iterator](): Iterator<ClientLink> {
    return this.#links.values()
  }

  *viewers(): Iterable<ClientLink> {
    for (const link of this.#links.values()) if (!link.isOwner) yield link
  }

  at(socket: SessionSocket): ClientLink | undefined {
    return this.#links.get(socket)
  }

  tagged(tag: number): ClientLink | undefined {
    for (const link of this.#links.values()) if (link.attachment.tag === tag) return link
    return undefined
  }

  /** One more; a second owner takes the first one's place [SE2]. */
  add(socket: SessionSocket, role: 'owner' | 'viewer'): ClientLink {
    const attachment = { kind: 'client' as const, role, tag: ++this.#tags, resumed: false, cursor: -1, streams: [], closed: false }
    const link = new ClientLink(socket, attachment, { now: this.#now, woken: false })
    this.#links.set(socket, link)
    if (role === 'owner') {
      const before = this.#owner
      this.#owner = link
      if (before) {
        before.close('replaced', 'another owner has connected')
        this.#links.delete(before.socket)
      }
    }
    return link
  }

  /** True where it was still counted. */
  remove(link: ClientLink): boolean {
    if (this.#owner === link) this.#owner = undefined
    return this.#links.delete(link.socket)
  }

  /** A fresh event, to all who keep up. */
  publish(logged: Logged): void {
    for (const link of this.#links.values()) link.event(logged)
  }

  /** What is owed to the owner, and told to viewers who keep up. */
  tell(message: TransientMessage): void {
    const json = JSON.stringify(message)
    for (const link of this.#links.values()) if (link.attachment.resumed && (link.isOwner || !link.slow)) link.text(json)
  }

  /** What nobody is owed: only for those who keep up [FR7]. */
  tellTheQuick(message: TransientMessage): void {
    const json = JSON.stringify(message)
    for (const link of this.#links.values()) if (link.attachment.resumed && !link.slow) link.text(json)
  }
}
