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
    return reply instanceof Response ? reply : spoken(typeof reply === 'string' ? reply.split(/(?<= )/) : [reply])
  })
  Object.assign(env, { CHAT_BASE_URL: BASE_URL, CHAT_MODEL: 'scripted-chat', CHAT_API_KEY: 'secret-key' })
  onTestFinished(() => {
    vi.unstubAllGlobals()
    Object.assign(env, { CHAT_BASE_URL: '', CHAT_MODEL: '', CHAT_API_KEY: '' })
  })
  return requests
}

/** A reply as the server streams it, part by part: words, and tools that it calls. */
function spoken(parts: (string | Call[])[]): Response {
  const deltas = parts.map((part) => (typeof part === 'string' ? { content: part } : { tool_calls: part.map(toolCall) }))
  const finish = parts.some((part) => typeof part !== 'string') ? 'tool_calls' : 'stop'
  const chunks = [...deltas.map((delta) => choice({ role: 'assistant', ...delta }, null)), choice({}, finish)]
  const text = chunks.map(
    (choices) => `data: ${JSON.stringify({ id: 'chatcmpl', object: 'chat.completion.chunk', created: 0, model: 'scripted-chat', choices })}\n\n`,
  )
  return new Response(`${text.join('')}data: [DONE]\n\n`, { headers: { 'content-type': 'text/event-stream' } })
}

function choice(delta: object, finish: string | null) {
  return [{ index: 0, delta, finish_reason: finish }]
}

function toolCall({ name, input }: Call, index: number) {
  return { index, id: `call_${index}`, type: 'function', function: { name, arguments: JSON.stringify(input) } }
}
