import { createServer, type IncomingMessage } from 'node:http'

type Message = { role: string; content: string | null }
type Asked = { messages: Message[] }

/**
 * Stands in for a chat model, so that this example needs no key: an OpenAI-compatible server that locates the thing it is asked about,
 * then says what its tool reported. A real model decides for itself; everything else is the same.
 */
export async function startScriptedChat(): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(async (request, response) => {
    const { messages } = await bodyOf(request)
    const report = messages.findLast((message) => message.role === 'tool')?.content
    const question = messages.findLast((message) => message.role === 'user')?.content ?? ''
    const thing = /where is (?:the )?(.+?)\?/i.exec(question)?.[1] ?? 'thing'
    const message = report
      ? { role: 'assistant', content: `My eyes report: ${report}` }
      : {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'call_0', type: 'function', function: { name: 'locate', arguments: JSON.stringify({ query: thing }) } }],
        }
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        id: 'chatcmpl-0',
        object: 'chat.completion',
        created: 0,
        model: 'scripted',
        choices: [{ index: 0, message, finish_reason: report ? 'stop' : 'tool_calls' }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}/v1`, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}

async function bodyOf(request: IncomingMessage): Promise<Asked> {
  let text = ''
  for await (const part of request) text += String(part)
  return JSON.parse(text)
}
