// Turns load these when the first one begins; here they are loaded before the first test, whose patience is short.
import '@fovea/agent'
import '@langchain/openai'
import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { call, EdgeClient, startBackend } from './edge-client.ts'
import { startChatServer } from './scripted-chat-server.ts'

/** What a reader has of a turn's words: each part stands where it says, and what was said from there on is gone. */
const saidIn = (client: EdgeClient) => client.of('turn-delta').reduce((said, { from, text }) => said.slice(0, from) + text, '')
/** The types of a turn's events; words count once however many parts they came in. */
const typesOf = (client: EdgeClient) =>
  client.events
    .map((event) => event.type)
    .filter((type, index, all) => /^(turn|tool)-/.test(type) && !(type === 'turn-delta' && all[index - 1] === 'turn-delta'))

test('a turn calls tools on the session’s own eyes and answers, as events in the log', async () => {
  const chat = startChatServer([
    [{ name: 'locate', input: { query: 'the cup' } }],
    ({ messages }) => `There: ${messages.at(-1)?.content.match(/\[ev_\w+\]/)?.[0]}`,
  ])
  const backend = await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  await client.until('frame-seen')
  client.say({ type: 'turn-start', turn: 'turn1', text: 'Where is the cup?', stream: 0 })
  const ended = await client.until('turn-ended')
  expect(ended).toMatchObject({ turn: 'turn1', finish: 'stop', text: 'There: [ev_turn1call1]', evidence: ['ev_turn1call1'] })
  expect(typesOf(client)).toEqual(['turn-started', 'tool-called', 'tool-returned', 'turn-delta', 'turn-ended'])
  expect(saidIn(client)).toBe(ended.text)
  expect(await client.until('tool-returned')).toMatchObject({
    call: 'call-1',
    tool: 'locate',
    evidence: ['ev_turn1call1'],
    content: expect.stringMatching(/^"the cup": one box, .* as of /),
  })
  expect(chat[0]).toMatchObject({ model: 'scripted-chat' })
  expect(chat[0]?.tools?.map((tool) => tool.function.name)).toEqual(['look', 'locate', 'segment', 'follow', 'find_moment', 'count'])
  expect(chat[1]?.messages.map((message) => message.role)).toEqual(['system', 'user', 'assistant', 'tool'])
  const asks = backend.sessions.get(session)?.messages.filter((message) => message.type === 'ask-start')
  expect(asks).toMatchObject([{ ask: 'turn1-call-1', text: 'the cup', tasks: ['region'], stream: 0 }])
})

test('without a chat model a turn is an ask', async () => {
  await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  const response = await call(`/v1/sessions/${session}/turns`, { method: 'POST', body: JSON.stringify({ turn: 'turn1', text: 'What is there?' }) })
  expect(await response.json()).toEqual({ turn: 'turn1', finish: 'stop', text: 'I see it.', evidence: ['ev_turn1ask00'] })
  expect(typesOf(client)).toEqual(['turn-started', 'turn-delta', 'turn-ended'])
  expect(client.of('ask-accepted')).toMatchObject([{ ask: 'turn1-ask', text: 'What is there?' }])
})

test('the same turn never runs twice: a repeat over HTTP gets the stored outcome, another text is refused', async () => {
  const chat = startChatServer(['Nothing to see.', 'Again?'])
  await startBackend()
  const { session } = await EdgeClient.start()
  const body = JSON.stringify({ turn: 'turn1', text: 'Look.' })
  const first = await (await call(`/v1/sessions/${session}/turns`, { method: 'POST', body })).json()
  const again = await (await call(`/v1/sessions/${session}/turns`, { method: 'POST', body })).json()
  expect([first, again]).toEqual([expect.objectContaining({ text: 'Nothing to see.' }), first])
  expect(chat).toHaveLength(1)
  const other = await call(`/v1/sessions/${session}/turns`, { method: 'POST', body: JSON.stringify({ turn: 'turn1', text: 'Another.' }) })
  expect([other.status, await other.json()]).toEqual([409, expect.objectContaining({ code: 'id-taken' })])
})

test('a turn as server-sent events brings its tools and their asks, and ends', async () => {
  startChatServer([[{ name: 'count', input: { query: 'cups' } }], 'One.'])
  await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  const response = await call(`/v1/sessions/${session}/turns`, {
    method: 'POST',
    body: JSON.stringify({ turn: 'turn1', text: 'How many?' }),
    headers: { accept: 'text/event-stream' },
  })
  const types = Array.from((await response.text()).matchAll(/^event: (.*)$/gm), ([, type]) => type)
  expect(types).toEqual([
    'turn-started',
    'tool-called',
    'ask-accepted',
    'answer-delta',
    'head-started',
    'head-result',
    'answer-ended',
    'tool-returned',
    'turn-delta',
    'turn-ended',
  ])
})

test('[EP5] after an eviction a turn goes on: finished tool calls are not repeated, running asks are waited for', async () => {
  const chat = startChatServer([
    [{ name: 'locate', input: { query: 'first' } }],
    [{ name: 'locate', input: { query: 'second' } }],
    ({ messages }) => `${messages.filter((message) => message.role === 'tool').length} reports.`,
  ])
  let answerSecond: (() => void) | undefined
  const backend = await startBackend({
    answer: (ask, session) => {
      if (ask.text === 'second') answerSecond = () => session.answer(ask)
      else session.answer(ask)
    },
  })
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  client.say({ type: 'turn-start', turn: 'turn1', text: 'Look twice.' })
  await client.when(
    () => answerSecond !== undefined,
    () => 'the second ask',
  )
  await evictDurableObject(env.SESSION.getByName(session))
  answerSecond?.()
  expect(await client.until('turn-ended')).toMatchObject({ finish: 'stop', text: '2 reports.' })
  expect(typesOf(client)).toEqual(['turn-started', 'tool-called', 'tool-returned', 'tool-called', 'tool-returned', 'turn-delta', 'turn-ended'])
  expect(backend.sessions.get(session)?.messages.filter((message) => message.type === 'ask-start')).toHaveLength(2)
  expect(chat).toHaveLength(3)
})

test('a cancelled turn ends once; what its model says later changes nothing', async () => {
  let answer: (() => void) | undefined
  startChatServer([[{ name: 'locate', input: { query: 'it' } }], 'Too late.'])
  const backend = await startBackend({ answer: (ask, session) => (answer = () => session.answer(ask)) })
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  client.say({ type: 'turn-start', turn: 'turn1', text: 'Look.' })
  await client.when(
    () => answer !== undefined,
    () => 'the ask',
  )
  client.say({ type: 'turn-cancel', turn: 'turn1' })
  expect(await client.until('turn-ended')).toMatchObject({ finish: 'cancelled' })
  expect(await client.until('answer-ended')).toMatchObject({ ask: 'turn1-call-1', finish: 'cancelled' })
  expect(backend.sessions.get(session)?.messages.at(-1)).toMatchObject({ type: 'ask-cancel', ask: 'turn1-call-1' })
  client.say({ type: 'turn-cancel', turn: 'nothing' })
  expect(await client.until('error')).toMatchObject({ code: 'unknown-id' })
  expect(client.of('turn-ended')).toHaveLength(1)
})

test('a chat model that refuses ends the turn with words that say what to check, and no secrets', async () => {
  startChatServer([() => Response.json({ error: { message: 'Incorrect API key provided: secret-key' } }, { status: 401 })])
  await startBackend()
  const { client, session } = await EdgeClient.start()
  const response = await call(`/v1/sessions/${session}/turns`, { method: 'POST', body: JSON.stringify({ turn: 'turn1', text: 'Look.' }) })
  const outcome = await response.text()
  expect(JSON.parse(outcome)).toMatchObject({
    finish: 'error',
    error: { code: 'unavailable', message: expect.stringMatching(/answered 401\. Check CHAT_BASE_URL/) },
  })
  expect(outcome).not.toContain('secret-key')
  expect(await client.until('turn-ended')).toMatchObject({ finish: 'error' })
})

test('before the first frame the model reads that there is none', async () => {
  const chat = startChatServer([[{ name: 'locate', input: { query: 'it' } }], 'I see nothing yet.'])
  await startBackend({
    answer: ({ ask }, session) =>
      session.say({
        type: 'answer-ended',
        ask,
        finish: 'error',
        text: '',
        usage: { promptTokens: 0, answerTokens: 0, heads: 0, deviceMs: 0, totalMs: 0 },
        error: { code: 'no-frame', message: 'Stream 0 has no seen frame yet.', retryable: true },
      }),
  })
  const { client } = await EdgeClient.start()
  client.say({ type: 'turn-start', turn: 'turn1', text: 'Look.' })
  expect(await client.until('turn-ended')).toMatchObject({ finish: 'stop', text: 'I see nothing yet.' })
  expect(chat[1]?.messages.at(-1)?.content).toMatch(/^No frame yet:/)
  expect(await client.until('tool-returned')).toMatchObject({ error: { code: 'no-frame' } })
})
