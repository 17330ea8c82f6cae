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
    const call = { index: 0, id: 'call_0', type: 'function', function: { name: 'locate', arguments: JSON.stringify({ query: thing }) } }
    const parts = report ? `My eyes report: ${report}`.split(/(?<= )/).map((content) => ({ content })) : [{ tool_calls: [call] }]
    response.setHeader('content-type', 'text/event-stream')
    const say = (delta: object, finish: string | null) =>
      response.write(
        `data: ${JSON.stringify({
          id: 'chatcmpl-0',
          object: 'chat.completion.chunk',
          created: 0,
          model: 'scripted',
          choices: [{ index: 0, delta, finish_reason: finish }],
        })}\n\n`,
      )
    for (const part of parts) say({ role: 'assistant', ...part }, null)
    say({}, report ? 'stop' : 'tool_calls')
    response.end('data: [DONE]\n\n')
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
