import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
import { BaseChatModel, type BaseChatModelParams } from '@langchain/core/language_models/chat_models'
import { AIMessageChunk, HumanMessage, type BaseMessage } from '@langchain/core/messages'
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs'
import { ProtocolError, type AskAt, type Evidence, type VisionSession } from '@fovea/protocol'

export type ChatFoveaFields = BaseChatModelParams & {
  session: VisionSession
  stream?: number
  at?: AskAt
  /** id of the ask, for a caller that may be interrupted: the same id never runs twice [AS1]. Give it for one invocation only. */
  ask?: string
}

/**
 * The vision model itself as a LangChain chat model: the last human message is asked of the session, which remembers the asks before it.
 * Words stream as they come; evidence stands in `additional_kwargs.evidence`, an abort signal cancels the ask.
 *
 *     const model = new ChatFovea({ session })
 *     for await (const chunk of await model.stream('Where is the cup?')) process.stdout.write(chunk.text)
 */
export class ChatFovea extends BaseChatModel {
  readonly #session: VisionSession
  readonly #stream: number | undefined
  readonly #at: AskAt | undefined
  readonly #ask: string | undefined

  constructor({ session, stream, at, ask, ...params }: ChatFoveaFields) {
    super(params)
    this.#session = session
    this.#stream = stream
    this.#at = at
    this.#ask = ask
  }

  static override lc_name(): string {
    return 'ChatFovea'
  }

  override _llmType(): string {
    return 'fovea'
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions'], runManager?: CallbackManagerForLLMRun): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined
    // oxlint-disable-next-line no-underscore-dangle -- LangChain's own name for it
    for await (const part of this._streamResponseChunks(messages, options, runManager)) whole = whole ? whole.concat(part) : part
    if (!whole) throw new ProtocolError('internal', 'The ask ended without an answer.')
    return { generations: [{ text: whole.text, message: whole.message }] }
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const answer = this.#session.ask(questionOf(messages), { stream: this.#stream, at: this.#at, id: this.#ask, signal: options.signal })
    let told = ''
    const pointed = new Set<string>()
    for await (const event of answer) {
      options.signal?.throwIfAborted()
      if (event.type === 'answer-delta') {
        told += event.text
        yield chunk(event.text, {})
        await runManager?.handleLLMNewToken(event.text)
      } else if (event.type === 'head-result') {
        pointed.add(event.evidence.id)
        yield chunk('', { evidence: [event.evidence] })
      }
    }
    const { ask, text, evidence, finish, usage, error } = await answer
    if (finish === 'error' || finish === 'cancelled') {
      options.signal?.throwIfAborted()
      const { code, message, ...details } = error ?? { code: 'cancelled' as const, message: 'The ask was cancelled.', retryable: false }
      throw new ProtocolError(code, message, details)
    }
    // An ask that ran before this began, such as one taken up after an interruption: what was not heard of it comes now.
    const rest = text.startsWith(told) ? text.slice(told.length) : ''
    const unheard = evidence.filter(({ id }) => !pointed.has(id))
    if (rest || unheard.length > 0) yield chunk(rest, unheard.length > 0 ? { evidence: unheard } : {})
    const { promptTokens, answerTokens } = usage
    yield new ChatGenerationChunk({
      text: '',
      message: new AIMessageChunk({
        content: '',
        usage_metadata: { input_tokens: promptTokens, output_tokens: answerTokens, total_tokens: promptTokens + answerTokens },
        response_metadata: { ask, finish },
      }),
    })
  }
}

function chunk(text: string, additional: { evidence?: Evidence[] }): ChatGenerationChunk {
  return new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text, additional_kwargs: additional }) })
}

function questionOf(messages: readonly BaseMessage[]): string {
  const text = messages.findLast((message) => HumanMessage.isInstance(message))?.text.trim()
  if (!text) throw new ProtocolError('invalid-message', 'ChatFovea asks the last human message; none with text came.')
  return text
}
