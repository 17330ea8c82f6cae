import { FakeStreamingChatModel } from '@langchain/core/utils/testing'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, ToolMessage, type BaseMessage } from '@langchain/core/messages'
import type { ChatResult } from '@langchain/core/outputs'
import type { SessionEvent, View } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { ScriptedVisionSession } from '../../../test/scripted/scripted-vision-session.ts'
import { ChatFovea } from './chat-fovea.ts'
import { runTurn, type TurnJournal } from './turn.ts'
import { roundsOf } from './turn-rounds.ts'
import { visionTools } from './vision-tools.ts'

type Reply = AIMessage | ((messages: BaseMessage[]) => AIMessage)

/** A chat model that says what it is told to, and remembers what it read. */
class ScriptedChat extends BaseChatModel {
  readonly read: BaseMessage[][] = []
  readonly #replies: Reply[]

  constructor(replies: Reply[]) {
    super({})
    this.#replies = [...replies]
  }

  override _llmType(): string {
    return 'scripted'
  }

  override bindTools(): this {
    return this
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    this.read.push(messages)
    const reply = this.#replies.shift()
    if (!reply) throw new Error('The script is over.')
    const message = typeof reply === 'function' ? reply(messages) : reply
    return { generations: [{ text: message.text, message }] }
  }
}

const calls = (...wanted: [name: string, args: Record<string, unknown>][]) =>
  new AIMessage({ content: '', tool_calls: wanted.map(([name, args], index) => ({ type: 'tool_call' as const, id: `provider-${index}`, name, args })) })
const view: View = { stream: 0, frame: 4, mediaTime: 400, receivedAt: 0, ageMs: 100, perceptions: [] }
const desk = () =>
  new ScriptedVisionSession({
    view,
    things: { cups: { boxes: [[0, 0, 0.2, 0.2]] } },
    answers: { 'Is there a cup?': { words: ['Yes, ', 'one.'], points: ['cups'] } },
  })

type ToolEvent = Extract<SessionEvent, { type: 'tool-called' | 'tool-returned' }>

/** A journal as an event log keeps it. */
function journal(): TurnJournal & { events: ToolEvent[]; words: [from: number, text: string][] } {
  const events: ToolEvent[] = []
  const said: [from: number, text: string][] = []
  const stamp = () => ({ seq: events.length + 1, at: 0, turn: 'turn-01' })
  return {
    events,
    words: said,
    said: (text, from) => void said.push([from, text]),
    called: (call) => void events.push({ type: 'tool-called', ...call, ...stamp() }),
    returned: (result) => void events.push({ type: 'tool-returned', ...result, ...stamp() }),
  }
}

test('a turn calls tools until the model answers, and names the evidence that the answer cites', async () => {
  const session = desk()
  const log = journal()
  const model = new ScriptedChat([calls(['count', { query: 'cups' }], ['locate', { query: 'dogs' }]), new AIMessage('One cup [ev_0000000001] and no dog.')])
  const outcome = await runTurn({ model, tools: visionTools(session, { scope: 'turn-01' }), text: 'What do you see?', journal: log })
  expect(outcome).toEqual({ text: 'One cup [ev_0000000001] and no dog.', finish: 'stop', evidence: ['ev_0000000001'] })
  expect(log.events.map((event) => [event.type, event.call])).toEqual([
    ['tool-called', 'call-1'],
    ['tool-called', 'call-2'],
    ['tool-returned', 'call-1'],
    ['tool-returned', 'call-2'],
  ])
  const [, human, asked, first, second] = model.read[1] ?? []
  expect([human?.text, asked?.type, first?.text.slice(0, 10), second?.text.slice(0, 6)]).toEqual(['What do you see?', 'ai', '1 in view.', '"dogs"'])
})

test('an answer without citations rests on all that was seen', async () => {
  const model = new ScriptedChat([calls(['count', { query: 'cups' }]), calls(['locate', { query: 'cups' }]), new AIMessage('One.')])
  expect((await runTurn({ model, tools: visionTools(desk()), text: 'How many?' })).evidence).toEqual(['ev_0000000001', 'ev_0000000002'])
})

test('finished tool calls are not repeated after an interruption, unfinished ones are made again under the same id', async () => {
  const session = desk()
  const log = journal()
  const tools = visionTools(session, { scope: 'turn-01' })
  const interrupted = new ScriptedChat([calls(['count', { query: 'cups' }]), calls(['locate', { query: 'cups' }], ['locate', { query: 'dogs' }])])
  await expect(runTurn({ model: interrupted, tools, text: 'Go', journal: log })).rejects.toThrow('The script is over.')
  // The log as it stood when the second round had one call back.
  const stored = log.events.slice(0, -1)
  expect(stored.at(-1)).toMatchObject({ type: 'tool-returned', call: 'call-2' })
  const asked = session.asked.length
  const model = new ScriptedChat([(messages) => new AIMessage(`I read ${messages.filter((message) => ToolMessage.isInstance(message)).length} reports.`)])
  const again = journal()
  const outcome = await runTurn({ model, tools, text: 'Go', past: roundsOf(stored), journal: again })
  expect(outcome.text).toBe('I read 3 reports.')
  expect(again.events.map(({ type, call }) => [type, call])).toEqual([['tool-returned', 'call-3']])
  expect(session.asked.length).toBe(asked)
})

test('what the model says is told as it comes, from the beginning of each reply', async () => {
  const session = new ScriptedVisionSession({
    view,
    things: { cups: { boxes: [[0, 0, 0.2, 0.2]] } },
    answers: { 'Is there a cup?': { words: ['Yes, ', 'one.'] } },
  })
  const streamed = journal()
  await runTurn({ model: new ChatFovea({ session }), tools: [], text: 'Is there a cup?', journal: streamed })
  expect(streamed.words).toEqual([
    [0, 'Yes, '],
    [5, 'one.'],
  ])
  const aloud = new AIMessage({ content: 'Let me count.', tool_calls: [{ type: 'tool_call', id: 'provider-0', name: 'count', args: { query: 'cups' } }] })
  const whole = journal()
  await runTurn({ model: new ScriptedChat([aloud, new AIMessage('One.')]), tools: visionTools(session), text: 'How many?', journal: whole })
  expect(whole.words).toEqual([
    [0, 'Let me count.'],
    [0, 'One.'],
  ])
})

test('a tool that is not there, and an input that does not fit, are read by the model and not thrown', async () => {
  const log = journal()
  const model = new ScriptedChat([calls(['zoom', {}], ['locate', { nothing: 1 }]), new AIMessage('Sorry.')])
  await runTurn({ model, tools: visionTools(desk()), text: 'Go', journal: log })
  const returned = log.events.flatMap((event) => (event.type === 'tool-returned' ? [event] : []))
  expect(returned.map((event) => event.error?.code)).toEqual(['invalid-message', 'invalid-message'])
  expect(returned[0]?.content).toMatch(/There is no tool zoom\. There are: look, locate/)
  expect(returned[1]?.content).toMatch(/^locate did not take that input/)
})

test('a model that never stops calling has to answer in the end', async () => {
  const model = new ScriptedChat([calls(['count', { query: 'cups' }]), calls(['count', { query: 'cups' }]), new AIMessage('Enough.')])
  expect(await runTurn({ model, tools: visionTools(desk()), text: 'Go', maxRounds: 2 })).toMatchObject({ text: 'Enough.', finish: 'length' })
})

test('an aborted turn ends as cancelled, a chat model that fails throws', async () => {
  const stop = new AbortController()
  const model = new ScriptedChat([
    () => {
      stop.abort()
      throw new Error('aborted')
    },
  ])
  expect(await runTurn({ model, tools: [], text: 'Go', signal: stop.signal })).toEqual({ text: '', finish: 'cancelled', evidence: [] })
  await expect(runTurn({ model: new FakeStreamingChatModel({ thrownErrorString: 'no key' }), tools: [], text: 'Go' })).rejects.toThrow('no key')
})

test('an empty reply is no answer: it throws, and says so', async () => {
  await expect(runTurn({ model: new ScriptedChat([new AIMessage(' ')]), tools: [], text: 'Go' })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('empty reply'),
  })
})

test('without a chat model of its own a turn is an ask: ChatFovea answers, with its evidence', async () => {
  const session = desk()
  const outcome = await runTurn({ model: new ChatFovea({ session, ask: 'turn-01-ask' }), tools: [], text: 'Is there a cup?' })
  expect(outcome).toEqual({ text: 'Yes, one.', finish: 'stop', evidence: ['ev_0000000001'] })
  expect(session.asked[0]?.ask).toBe('turn-01-ask')
})
