import type { SessionEvent } from '@fovea/protocol'
import type { SessionStore, StoredEvent } from '../store/session-store.ts'
import { describeReset } from './describe.ts'
import type { Session } from './session.ts'

const PAGE = 64

type Options = {
  /** last event the reader has */
  after: number
  /** only the events of this ask, until it has ended */
  ask?: string
  /** only the events of this turn or workflow run and of what it asked, until it has ended */
  run?: string
}

/** The event log as server-sent events [EV3]: what is there, then what comes. It is read when the reader wants more, so that a slow one costs nothing. */
export function eventStream(session: Session, store: SessionStore, { after, ask, run }: Options): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let cursor = after
  let wake: (() => void) | undefined
  const stop = session.listen(() => wake?.())
  const next = (): StoredEvent[] => {
    if (ask !== undefined) return store.askEventsAfter(ask, cursor, PAGE)
    let events = session.log.after(cursor, PAGE)
    if (run === undefined) return events
    for (let own: StoredEvent[] = []; events.length > 0; events = session.log.after(cursor, PAGE)) {
      own = events.filter(({ body }) => isOf(JSON.parse(body), run))
      if (own.length > 0) return own
      cursor = events.at(-1)?.seq ?? cursor
    }
    return []
  }
  const over = (last: StoredEvent): boolean => {
    const event: SessionEvent = JSON.parse(last.body)
    return (
      event.type === 'session-ended' ||
      (ask !== undefined && event.type === 'answer-ended') ||
      (run !== undefined && (event.type === 'turn-ended' || event.type === 'workflow-ended'))
    )
  }
  // Asked for after its end, and all of it told, or forgotten meanwhile: nothing more will come.
  const finished = (): boolean => {
    if (session.row.phase === 'ended') return true
    if (ask !== undefined) return store.ask(ask)?.outcome !== null
    return run !== undefined && store.run(run)?.outcome !== null
  }
  let cancelled = false
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        if (cancelled) return
        // Told from its beginning or overtaken by trimming: the whole log has no silent gap.
        if (ask === undefined && run === undefined && !session.log.reaches(cursor)) {
          const reset = describeReset(session, store)
          cursor = reset.seq
          return controller.enqueue(encoder.encode(`event: session-reset\nid: ${reset.seq}\ndata: ${JSON.stringify(reset)}\n\n`))
        }
        const events = next()
        const last = events.at(-1)
        if (last) {
          cursor = last.seq
          controller.enqueue(encoder.encode(events.map(({ seq, body }) => `id: ${seq}\nevent: ${typeOf(body)}\ndata: ${body}\n\n`).join('')))
        }
        if (last ? over(last) : finished()) {
          stop()
          return controller.close()
        }
        if (last) return
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    cancel: () => {
      cancelled = true
      stop()
      wake?.()
    },
  })
}

function typeOf(body: string): string {
  const event: SessionEvent = JSON.parse(body)
  return event.type
}

/** What a run does is named after it: its asks and tracks begin with its id. */
function isOf(event: SessionEvent, run: string): boolean {
  if ('turn' in event) return event.turn === run
  if ('run' in event) return event.run === run
  const own = 'ask' in event ? event.ask : 'track' in event ? event.track : ''
  return own.startsWith(`${run}-`)
}
