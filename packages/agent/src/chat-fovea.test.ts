import { HumanMessage, SystemMessage, type AIMessageChunk } from '@langchain/core/messages'
import type { View } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { ScriptedVisionSession } from '../../../test/scripted/scripted-vision-session.ts'
import { ChatFovea } from './chat-fovea.ts'

const view: View = { stream: 0, frame: 4, mediaTime: 400, receivedAt: 0, ageMs: 100, perceptions: [] }
const desk = () =>
  new ScriptedVisionSession({
    view,
    things: { cup: { boxes: [[0, 0, 0.2, 0.2]] } },
    answers: { 'Where is it?': { words: ['On ', 'the desk.'], points: ['cup'] } },
  })

test('asks the last human message; words, evidence and usage come back', async () => {
  const session = desk()
  const reply = await new ChatFovea({ session }).invoke([new SystemMessage('Be brief.'), new HumanMessage('Hello'), new HumanMessage('Where is it?')])
  expect(reply.text).toBe('On the desk.')
  expect(reply.additional_kwargs.evidence).toEqual([await session.recall('ev_0000000001')])
  expect(reply.usage_metadata).toMatchObject({ input_tokens: 20, output_tokens: 12 })
  expect(reply.response_metadata).toMatchObject({ ask: 'ask-1', finish: 'stop' })
})

test('words stream as they come', async () => {
  const words: string[] = []
  let whole: AIMessageChunk | undefined
  for await (const chunk of await new ChatFovea({ session: desk() }).stream('Where is it?')) {
    if (chunk.text) words.push(chunk.text)
    whole = whole ? whole.concat(chunk) : chunk
  }
  expect(words).toEqual(['On ', 'the desk.'])
  expect(whole?.additional_kwargs.evidence).toHaveLength(1)
})

test('an ask that ran before is told whole: its words and evidence are not lost', async () => {
  const session = desk()
  const listened = session.ask('Where is it?', { id: 'ask-a' })
  // A session that tells a late listener nothing but the end.
  // oxlint-disable-next-line unicorn/no-thenable -- an Answer is one
  session.ask = () => ({ ask: 'ask-a', cancel: () => undefined, then: listened.then.bind(listened), async *[Symbol.asyncIterator]() {} })
  const reply = await new ChatFovea({ session, ask: 'ask-a' }).invoke('Where is it?')
  expect([reply.text, reply.additional_kwargs.evidence]).toEqual(['On the desk.', [expect.objectContaining({ id: 'ev_0000000001' })]])
})

test('an ask that fails throws its own error, with code', async () => {
  await expect(new ChatFovea({ session: new ScriptedVisionSession({}) }).invoke('Where is it?')).rejects.toMatchObject({
    name: 'ProtocolError',
    code: 'no-frame',
  })
  await expect(new ChatFovea({ session: desk() }).invoke([new SystemMessage('Only me')])).rejects.toThrow(/last human message/)
})

test('an abort signal reaches the ask', async () => {
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(new ChatFovea({ session: desk() }).invoke('Where is it?', { signal })).rejects.toThrow()
})
