import { env } from 'cloudflare:workers'
import { onTestFinished, vi } from 'vitest'

type Call = { name: string; input: Record<string, unknown> }
/** What the chat model says next: words, or tools that it calls. A function sees what it was sent. */
export type ChatReply = string | Call[] | ((request: ChatRequest) => string | Call[] | Response)
export type ChatRequest = { model: string; messages: { role: string; content: string; tool_call_id?: string }[]; tools?: { function: { name: string } }[] }

const BASE_URL = 'https://chat.example/v1'

/** An OpenAI-compatible server that says what it is told to, in order; what it was sent can be read. Until the test is over, turns use it. */
export function startChatServer(replies: ChatReply[]): ChatRequest[] {
  const requests: ChatRequest[] = []
  const left = [...replies]
  const real = globalThis.fetch
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init)
    if (!request.url.startsWith(BASE_URL)) return real(request)
    const asked = await request.json<ChatRequest>()
    requests.push(asked)
    const next = left.shift() ?? 'The script is over.'
    const reply = typeof next === 'function' ? next(asked) : next
    return reply instanceof Response ? reply : Response.json(completion(reply, requests.length))
  })
  Object.assign(env, { CHAT_BASE_URL: BASE_URL, CHAT_MODEL: 'scripted-chat', CHAT_API_KEY: 'secret-key' })
  onTestFinished(() => {
    vi.unstubAllGlobals()
    Object.assign(env, { CHAT_BASE_URL: '', CHAT_MODEL: '', CHAT_API_KEY: '' })
  })
  return requests
}

function completion(reply: string | Call[], number: number) {
  const words = typeof reply === 'string'
  const message = words
    ? { role: 'assistant', content: reply }
    : {
        role: 'assistant',
        content: null,
        tool_calls: reply.map(({ name, input }, index) => ({
          id: `call_${number}_${index}`,
          type: 'function',
          function: { name, arguments: JSON.stringify(input) },
        })),
      }
  return {
    id: `chatcmpl-${number}`,
    object: 'chat.completion',
    created: 0,
    model: 'scripted-chat',
    choices: [{ index: 0, message, finish_reason: words ? 'stop' : 'tool_calls' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  }
}
