import { CLOSE, SUBPROTOCOL } from '@fovea/protocol'
import type { SessionStore } from '../store/session-store.ts'
import { eventStream } from './event-stream.ts'
import type { Session } from './session.ts'
import type { SessionSocket } from './socket.ts'

type Accept = (use: (socket: SessionSocket) => void, protocol?: string) => Response

/** Sockets and event streams of a session. Who may, the Worker has checked; what it found out comes in the URL, which no client can set. */
export function answerRequest(url: URL, session: Session, store: SessionStore, accept: Accept): Response {
  const told = (name: string) => url.searchParams.get(name) ?? ''
  switch (url.pathname) {
    case '/connect': {
      const fresh = store.useTicket(told('ticket'), Number(told('expires')), session.now())
      return accept((socket) => {
        if (fresh) session.connect(socket, told('role') === 'viewer' ? 'viewer' : 'owner')
        else socket.close(CLOSE.ticketUsed, 'this ticket was used before; get a new one')
      }, SUBPROTOCOL)
    }
    case '/attach':
      return accept((socket) => {
        const current = session.backing.attach(socket, { backend: told('backend'), epoch: Number(told('epoch')) })
        if (!current) socket.close(CLOSE.fenced, 'this assignment is no longer the current one')
      })
    case '/events': {
      const events = eventStream(session, store, {
        after: Number(told('after')),
        ask: url.searchParams.get('ask') ?? undefined,
        run: url.searchParams.get('run') ?? undefined,
      })
      return new Response(events, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } })
    }
    default:
      return new Response(null, { status: 404 })
  }
}
