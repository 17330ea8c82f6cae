import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { ErrorBody, EvidenceId, ProtocolError, scopedId, toProtocolError, TurnCreate } from '@fovea/protocol'
import type { SessionReset } from '@fovea/protocol'
import { z } from 'zod'
import type { RunRow } from '../store/session-store.ts'
import { RunBook } from './run-book.ts'
import type { RunHost, RunMessage, Runs } from './runs.ts'
import { TurnWords } from './turn-words.ts'

/** A chat model, made when a turn needs it. */
export type ChatModelSource = () => Promise<BaseChatModel>

const LIMIT = 4
/** Characters of what a tool or a model says that fit into one event. */
const MAX_TEXT = 32_000

const Body = TurnCreate.required({ turn: true })
type Body = z.infer<typeof Body>

/** What a turn has done, in order: enough to go on after an eviction. */
const Journal = z.array(
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('tool-called'), call: z.string(), tool: z.string(), input: z.record(z.string(), z.json()) }),
    z.object({
      type: z.literal('tool-returned'),
      call: z.string(),
      tool: z.string(),
      content: z.string(),
      evidence: z.array(EvidenceId),
      error: ErrorBody.optional(),
    }),
    // Words of the reply that is being spoken, for a reader who comes late; a turn that goes on begins that reply anew.
    z.object({ type: z.literal('said'), text: z.string() }),
  ]),
)
type Journal = z.infer<typeof Journal>
type ToolEntry = Exclude<Journal[number], { type: 'said' }>

/**
 * Agent turns inside the session: the chat model speaks, its words are told as they come, its tools look through this session's own eyes. Without a chat model a turn is
 * an ask. Every tool call is written before it runs and after it has, so that after an eviction no finished call is repeated.
 */
export class Turns implements Runs {
  readonly #host: RunHost
  readonly #model: ChatModelSource | undefined
  readonly #book: RunBook

  constructor(host: RunHost, model: ChatModelSource | undefined) {
    this.#host = host
    this.#model = model
    this.#book = new RunBook(host, { kind: 'turn', limit: LIMIT })
  }

  get busy(): boolean {
    return this.#book.busy
  }

  handle(message: RunMessage): boolean {
    if (message.type === 'turn-start') {
      const { type: _, ...body } = message
      if (this.#book.begin(body.turn, body, { type: 'turn-started', turn: body.turn, text: body.text }, [])) this.#go(body, [])
      return true
    }
    if (message.type !== 'turn-cancel') return false
    if (!this.#book.row(message.turn)) throw new ProtocolError('unknown-id', `There is no turn ${message.turn} in this session.`)
    this.#cancel(message.turn)
    return true
  }

  resume(): void {
    for (const row of this.#book.unfinished()) this.#go(Body.parse(row.body), Journal.parse(row.state ?? []))
  }

  deadline(turn: string): boolean {
    const row = this.#book.due(turn)
    if (row) this.#go(Body.parse(row.body), Journal.parse(row.state ?? []))
    return row !== undefined
  }

  end(): void {
    for (const row of this.#book.unfinished()) this.#cancel(row.id)
  }

  #cancel(turn: string): void {
    this.#book.finish(turn, { type: 'turn-ended', turn, finish: 'cancelled', text: '', evidence: [] })
  }

  #go(body: Body, journal: Journal): void {
    this.#book.work(body.turn, async (signal) => {
      try {
        const { text, finish, evidence } = await this.#run(body, journal, signal)
        this.#book.finish(body.turn, { type: 'turn-ended', turn: body.turn, finish, text: text.slice(0, MAX_TEXT), evidence })
      } catch (thrown) {
        const error = thrown instanceof ProtocolError ? thrown : this.#model ? chatError(thrown) : toProtocolError(thrown)
        this.#book.finish(body.turn, { type: 'turn-ended', turn: body.turn, finish: 'error', text: '', evidence: [], error: error.body() })
      }
    })
  }

  async #run({ turn, text, stream }: Body, journal: Journal, signal: AbortSignal) {
    // Loaded with the first turn, not with every session that wakes.
    const { ChatFovea, roundsOf, runTurn, visionTools } = await import('@fovea/agent')
    const { vision, context } = this.#host
    const done = journal.filter((entry) => entry.type !== 'said')
    let said = ''
    const words = new TurnWords({
      write: (part, from) => {
        said = said.slice(0, from) + part
        this.#book.keep(turn, { type: 'turn-delta', turn, from, text: part }, [...done, { type: 'said', text: said }])
      },
      now: context.now,
      limit: MAX_TEXT,
    })
    const write = (entry: ToolEntry) => {
      words.flush()
      done.push(entry)
      this.#book.keep(turn, { ...entry, turn }, done)
    }
    const outcome = await runTurn({
      model: this.#model ? await this.#model() : new ChatFovea({ session: vision, stream, ask: scopedId(turn, 'ask') }),
      tools: this.#model ? visionTools(vision, { stream, scope: turn }) : [],
      text,
      past: roundsOf(done),
      signal,
      journal: {
        said: (part, from) => words.add(part, from),
        called: (call) => write({ type: 'tool-called', ...call }),
        returned: ({ content, ...result }) => write({ type: 'tool-returned', ...result, content: content.slice(0, MAX_TEXT) }),
      },
    })
    words.flush()
    return outcome
  }
}

/** What a turn has said: its answer, or the words so far of one that is on its way. */
export function describeTurn({ id, body, state, outcome }: RunRow): SessionReset['state']['turns'][number] {
  const said = Journal.parse(state ?? []).findLast((entry) => entry.type === 'said')?.text ?? ''
  const answer = outcome?.type === 'turn-ended' ? outcome.text : said
  return { turn: id, text: Body.parse(body).text, answer, ended: outcome !== null }
}

/** The chat model failed: its status is worth telling, its words may hold secrets. */
function chatError(thrown: unknown): ProtocolError {
  const status: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'status') : undefined
  const how = typeof status === 'number' ? `answered ${status}` : 'could not be reached'
  return new ProtocolError('unavailable', `The chat model ${how}. Check CHAT_BASE_URL, CHAT_MODEL and CHAT_API_KEY, or try again.`, {
    retryable: true,
    cause: thrown,
  })
}
