import { ProtocolError, toProtocolError } from '@fovea/protocol'
import type { AskBody, AskResult, ErrorBody, Evidence, Finish, FromBackend, SessionEvent, Usage } from '@fovea/protocol'
import type { AskRow, Ended } from '../store/session-store.ts'
import type { SessionContext } from './context.ts'
import { RateCount } from './rate-count.ts'

type AnswerMessage = Extract<FromBackend, { type: 'answer-delta' | 'head-started' | 'head-result' | 'answer-ended' }>

/** A backend that was told to stop has this long to say how far it came. */
const CANCEL_MS = 2000
/** Past its deadline an ask is the backend's to end; past this as well it is ended here. */
const DEADLINE_GRACE_MS = 2000
/** Characters of an answer that fit into one event whatever they are. */
const MAX_TEXT = 32_000
const NO_USAGE: Usage = { promptTokens: 0, answerTokens: 0, heads: 0, deviceMs: 0, totalMs: 0 }

/** The asks of a session: each id runs once [AS1] and ends exactly once [AS3], whatever happens to sockets, backends and this object. */
export class Asks {
  readonly #context: SessionContext
  readonly #minute = new RateCount(60_000)
  /** running asks; the rows behind them are the truth after an eviction */
  readonly #running = new Map<string, AskRow>()

  readonly #streamIsOpen: (stream: number) => boolean
  readonly #used: (usage: Usage) => void

  constructor(context: SessionContext, { streamIsOpen, used }: { streamIsOpen: (stream: number) => boolean; used: (usage: Usage) => void }) {
    this.#context = context
    this.#streamIsOpen = streamIsOpen
    this.#used = used
    for (const row of context.store.runningAsks()) this.#running.set(row.id, row)
  }

  get running(): number {
    return this.#running.size
  }

  /** True while a backend works on one. */
  get sent(): boolean {
    for (const row of this.#running.values()) if (row.sent) return true
    return false
  }

  /** Accepts an ask, or throws why not [AS5]. A repeat of the same ask does nothing. */
  start(body: AskBody): void {
    const context = this.#context
    const known = context.store.ask(body.ask)
    if (known) {
      if (isSame(known.body, body)) return
      throw new ProtocolError('id-taken', `Ask ${body.ask} asked something else before. Give this one an id of its own.`)
    }
    const state = context.state()
    if (state === 'ended') throw new ProtocolError('conflict', 'This session has ended. Open a new one.')
    if (state === 'degraded')
      throw new ProtocolError('unavailable', 'No backend can serve this session at the moment. Ask again in a few seconds.', {
        retryable: true,
        retryAfterMs: 3000,
      })
    if (body.text.length > context.limits.textLength)
      throw new ProtocolError('too-large', `An ask holds ${context.limits.textLength} characters; ${body.text.length} came.`, {
        expected: context.limits.textLength,
        got: body.text.length,
      })
    if (body.stream !== undefined && !this.#streamIsOpen(body.stream))
      throw new ProtocolError('unknown-stream', `Stream ${body.stream} is not open. Open it with stream-open first.`)
    if (this.#running.size >= context.limits.asks)
      throw new ProtocolError('too-many', `${context.limits.asks} asks may run at once. Wait for one to end.`, {
        retryable: true,
        expected: context.limits.asks,
      })
    if (this.#minute.add(context.now()) > context.limits.asksPerMinute) {
      throw new ProtocolError('rate', `${context.limits.asksPerMinute} asks a minute are allowed.`, {
        retryable: true,
        retryAfterMs: this.#minute.rest(context.now()),
      })
    }
    const at = context.now()
    // First on its way, then written: what is sent after a write waits until the write is safe, and the model would wait with it.
    const sent = context.toBackend({ type: 'ask-start', ...body })
    // An event's own `at` is its time.
    const { at: look, ...told } = body
    const row: AskRow = { id: body.ask, at, body, sent, text: '', evidence: [], outcome: null }
    try {
      context.emit({ type: 'ask-accepted', ...told, ...(look !== undefined && { look }) }, () => context.store.addAsk(row))
    } catch (error) {
      if (sent) context.toBackend({ type: 'ask-cancel', ask: body.ask })
      throw error
    }
    this.#running.set(body.ask, row)
    if (body.deadlineMs !== undefined) context.deadlines.set('ask', body.ask, at + body.deadlineMs + DEADLINE_GRACE_MS)
    if (!sent) context.wake('an ask')
  }

  /** Gives a fresh backend what has not been sent to one [EP1]. */
  handOver(): void {
    for (const row of this.#running.values()) if (!row.sent) this.#hand(row)
  }

  cancel(ask: string): void {
    const row = this.#running.get(ask)
    if (!row) {
      if (this.#context.store.ask(ask)) return
      throw new ProtocolError('unknown-id', `There is no ask ${ask} in this session.`)
    }
    if (row.sent && this.#context.toBackend({ type: 'ask-cancel', ask })) this.#context.deadlines.set('cancel', ask, this.#context.now() + CANCEL_MS)
    else this.end(ask, 'cancelled')
  }

  /** What a backend says of an ask. Words for an ask that is over are dropped. */
  answer(message: AnswerMessage): void {
    const context = this.#context
    const row = this.#running.get(message.ask)
    if (!row) return
    switch (message.type) {
      case 'answer-delta':
        row.text = (row.text + message.text).slice(0, MAX_TEXT)
        return context.record(message, () => context.store.saveAskText(row.id, row.text))
      case 'head-started':
        return context.record(message)
      case 'head-result':
        row.evidence = [...row.evidence, message.evidence.id]
        return context.record(message, () => context.store.saveAsk(row.id, { evidence: row.evidence }))
      case 'answer-ended':
        return this.#finish(row, message)
    }
  }

  /** Ends an ask from here: the backend will not, or is not there. */
  end(ask: string, finish: Finish, error?: ErrorBody): void {
    const row = this.#running.get(ask)
    if (!row) return
    const usage = { ...NO_USAGE, totalMs: Math.max(0, this.#context.now() - row.at) }
    this.#finish(row, { type: 'answer-ended', ask, finish, text: row.text, usage, ...(error && { error }) })
  }

  /** The backend is lost, or none can be had: what runs ends [AS3]. */
  endAll(error: ProtocolError, which: 'sent' | 'all'): void {
    for (const row of this.#running.values()) if (which === 'all' || row.sent) this.end(row.id, 'error', error.body())
  }

  /** The session is over. */
  cancelAll(): void {
    for (const ask of this.#running.keys()) this.end(ask, 'cancelled')
  }

  deadline(kind: 'ask' | 'cancel', ask: string): void {
    if (kind === 'cancel') return this.end(ask, 'cancelled')
    if (!this.#running.has(ask)) return
    this.#context.toBackend({ type: 'ask-cancel', ask })
    this.end(ask, 'deadline')
  }

  /** The stored outcome, as HTTP tells it; undefined while the ask runs. */
  result(ask: string): AskResult | undefined {
    const row = this.#context.store.ask(ask)
    if (!row?.outcome) return undefined
    const { text, finish, usage, error } = row.outcome
    return { ask, text, evidence: this.evidence(ask), finish, usage, ...(error && { error }) }
  }

  has(ask: string): boolean {
    return this.#context.store.ask(ask) !== undefined
  }

  evidence(ask: string): Evidence[] {
    return this.#context.store.evidenceEvents(ask).flatMap(({ body }) => evidenceOf(body) ?? [])
  }

  /** Evidence by id, as long as the log keeps it [PE4]. */
  recall(evidence: string): Evidence | undefined {
    const stored = this.#context.store.evidenceEvent(evidence)
    return stored && evidenceOf(stored.body)
  }

  #hand(row: AskRow): void {
    if (!this.#context.toBackend({ type: 'ask-start', ...row.body })) return
    row.sent = true
    try {
      this.#context.store.saveAsk(row.id, { sent: true })
    } catch (error) {
      // The backend has it all the same; should this object be evicted before the answer, the ask ends with the backend's link.
      this.#context.refuseOwner(toProtocolError(error), row.id)
    }
  }

  #finish(row: AskRow, told: Omit<Ended, 'seq' | 'at'>): void {
    const context = this.#context
    // An answer too long for one event still has to end: its words stand in the deltas.
    const message = told.text.length > MAX_TEXT ? { ...told, text: told.text.slice(0, MAX_TEXT) } : told
    this.#running.delete(row.id)
    this.#used(message.usage)
    context.record(message, () => {
      context.store.saveAsk(row.id, { text: message.text, outcome: { ...message, seq: context.log.last + 1, at: context.now() } })
      context.store.clearDeadline('ask', row.id)
      context.store.clearDeadline('cancel', row.id)
    })
  }
}

/** A repeat says the same words and contradicts nothing; what was asked beside them it may leave out. */
function isSame(known: AskBody, again: AskBody): boolean {
  const agrees = (name: 'stream' | 'at' | 'tasks' | 'boxes') => again[name] === undefined || JSON.stringify(again[name]) === JSON.stringify(known[name])
  return known.text === again.text && agrees('stream') && agrees('at') && agrees('tasks') && agrees('boxes')
}

function evidenceOf(body: string): Evidence | undefined {
  const event: SessionEvent = JSON.parse(body)
  return event.type === 'head-result' ? event.evidence : undefined
}
