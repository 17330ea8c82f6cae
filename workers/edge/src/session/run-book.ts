import { MAX_EVENT_BYTES, ProtocolError } from '@fovea/protocol'
import type { SessionEvent, UnnumberedEvent } from '@fovea/protocol'
import type { RunRow } from '../store/session-store.ts'
import type { RunHost } from './runs.ts'

/** A run that this object may have slept through, or died over, is looked after so often. */
const LOOK_MS = 60_000

/** Room for the number and the time of an event. */
const NUMBERED = 64
/** How far a run is has to fit into one row of the store. */
const MAX_STATE_BYTES = 512 * 1024

type EndEvent = Extract<UnnumberedEvent, { type: 'turn-ended' | 'workflow-ended' }>

/** Turns or workflow runs as they are written down: each id begins once and ends exactly once, and what happened in between is kept with its event. */
export class RunBook {
  readonly #host: RunHost
  readonly #kind: RunRow['kind']
  readonly #limit: number
  /** what works at this moment; a run that waits is in the store only */
  readonly #active = new Map<string, AbortController>()

  constructor(host: RunHost, { kind, limit }: { kind: RunRow['kind']; limit: number }) {
    this.#host = host
    this.#kind = kind
    this.#limit = limit
  }

  get busy(): boolean {
    return this.#active.size > 0
  }

  /** Writes the first event of a run; false where it has begun before. Throws where the id belongs to something else, or too many run. */
  begin(id: string, body: unknown, first: UnnumberedEvent, state: unknown): boolean {
    const { store, now, emit } = this.#host.context
    const known = store.run(id)
    if (known) {
      if (known.kind === this.#kind && JSON.stringify(known.body) === JSON.stringify(body)) return false
      throw new ProtocolError('id-taken', `${id} was given to another ${known.kind} of this session. Give this one an id of its own.`)
    }
    if (this.unfinished().length >= this.#limit) {
      throw new ProtocolError('too-many', `${this.#limit} ${this.#kind}s may run at once in a session. Wait for one to end.`, {
        retryable: true,
        expected: this.#limit,
      })
    }
    checkSize(state)
    emit(first, () => {
      store.addRun({ id, kind: this.#kind, at: now(), body })
      store.saveRun(id, { state })
    })
    this.#host.wakeAt(id, now() + LOOK_MS)
    return true
  }

  /** Runs that have not ended, oldest first. */
  unfinished(): RunRow[] {
    return this.#host.context.store.runningRuns().filter((row) => row.kind === this.#kind)
  }

  row(id: string): RunRow | undefined {
    const row = this.#host.context.store.run(id)
    return row?.kind === this.#kind ? row : undefined
  }

  /** The time to look after a run has come: the run, where it goes on. */
  due(id: string): RunRow | undefined {
    const row = this.row(id)
    if (!row || row.outcome !== null) return undefined
    this.#host.wakeAt(id, this.#host.context.now() + LOOK_MS)
    return row
  }

  /** Works on a run in the background, unless somebody does already. The work ends when its signal says so. */
  work(id: string, task: (signal: AbortSignal) => Promise<void>): void {
    if (this.#active.has(id)) return
    const controller = new AbortController()
    this.#active.set(id, controller)
    this.#host.background(
      task(controller.signal).finally(() => {
        if (this.#active.get(id) === controller) this.#active.delete(id)
      }),
    )
  }

  /** Writes an event together with how far the run is, and keeps it however late the store comes to it. Throws where the run has gathered more than can be kept. */
  keep(id: string, event: UnnumberedEvent, state: unknown): void {
    const { context } = this.#host
    checkSize(state)
    if (this.isOpen(id)) context.record(event, () => context.store.saveRun(id, { state }))
  }

  /** Writes how far a run is, where nothing happened that others should hear of. */
  note(id: string, state: unknown): void {
    checkSize(state)
    if (this.isOpen(id)) this.#host.context.store.saveRun(id, { state })
  }

  /** Ends a run, once; whatever still works on it is told to stop. */
  finish(id: string, event: EndEvent): void {
    if (!this.isOpen(id)) return
    const { context } = this.#host
    const { log, now, store } = context
    const end = fitting(event)
    const active = this.#active.get(id)
    this.#active.delete(id)
    context.record(end, () => {
      const outcome: SessionEvent = { ...end, seq: log.last + 1, at: now() }
      store.saveRun(id, { outcome })
      store.clearDeadline('run', id)
    })
    active?.abort(new ProtocolError('cancelled', `${this.#kind} ${id} is over.`))
  }

  isOpen(id: string): boolean {
    return this.row(id)?.outcome === null
  }
}

function checkSize(state: unknown): void {
  const bytes = new TextEncoder().encode(JSON.stringify(state)).length
  if (bytes <= MAX_STATE_BYTES) return
  throw new ProtocolError('too-large', `A run keeps at most ${MAX_STATE_BYTES} bytes of what it has found; this one came to ${bytes}.`, {
    expected: MAX_STATE_BYTES,
    got: bytes,
  })
}

/** A run always ends: where what it has to tell fits into no event, its end says that [EV4]. */
function fitting(event: EndEvent): EndEvent {
  const size = JSON.stringify(event).length + NUMBERED
  if (size <= MAX_EVENT_BYTES) return event
  const error = new ProtocolError(
    'too-large',
    `An event holds at most ${MAX_EVENT_BYTES} bytes; what this run has to tell comes to ${size}. Its steps were told.`,
    {
      expected: MAX_EVENT_BYTES,
      got: size,
    },
  ).body()
  return event.type === 'turn-ended' ? { ...event, finish: 'error', text: '', evidence: [], error } : { ...event, finish: 'error', output: {}, error }
}
