import type { Bindings } from '../bindings.ts'
import type { ChatModelSource } from './turns.ts'

const TIMEOUT_MS = 60_000

/** The configured chat model: anything that speaks the OpenAI API. Undefined where none is: a turn is then an ask. */
export function chatModelOf({
  CHAT_BASE_URL,
  CHAT_API_KEY,
  CHAT_MODEL,
}: Pick<Bindings, 'CHAT_BASE_URL' | 'CHAT_API_KEY' | 'CHAT_MODEL'>): ChatModelSource | undefined {
  if (!CHAT_BASE_URL || !CHAT_MODEL) return undefined
  return async () => {
    const { ChatOpenAI } = await import('@langchain/openai')
    return new ChatOpenAI({
      model: CHAT_MODEL,
      // Local servers take any key; the client insists on one.
      apiKey: CHAT_API_KEY || 'none',
      configuration: { baseURL: CHAT_BASE_URL },
      timeout: TIMEOUT_MS,
      maxRetries: 2,
      // Some servers refuse the option that asks for the count of tokens at the end of a stream.
      streamUsage: false,
    })
  }
}
