import { expect, test } from 'vitest'
import { call, createSession, EdgeClient, startBackend } from './edge-client.ts'

test('[AS2] an ask brings its words, its evidence and its end, in order, each with a seq that rises by one', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.frame(1)
  client.say({ type: 'ask-start', ask: 'a1', text: 'the cup' })
  const ended = await client.until('answer-ended')
  expect(ended).toMatchObject({ ask: 'a1', finish: 'stop', text: 'I see it.' })
  const { events } = client
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
  expect(events.filter((event) => 'ask' in event).map((event) => event.type)).toEqual([
    'ask-accepted',
    'answer-delta',
    'head-started',
    'head-result',
    'answer-ended',
  ])
})

test('[AS1] the same id never runs twice; over HTTP a repeat gives the stored outcome', async () => {
  const backend = await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  const body = JSON.stringify({ ask: 'same', text: 'the cup' })
  const first = await call(`/v1/sessions/${session}/asks`, { method: 'POST', body })
  expect(first.status).toBe(200)
  const again = await call(`/v1/sessions/${session}/asks`, { method: 'POST', body })
  expect(await again.json()).toEqual(await first.json())
  client.say({ type: 'ask-start', ask: 'same', text: 'the cup' })
  client.say({ type: 'ask-start', ask: 'same', text: 'something else' })
  expect(await client.until('error')).toMatchObject({ code: 'id-taken', of: 'same' })
  expect(backend.sessions.get(session)?.messages.filter((message) => message.type === 'ask-start')).toHaveLength(1)
  expect(client.of('answer-ended')).toHaveLength(1)
})

test('[AS1] an id that asked something else is refused over HTTP, as JSON and as events', async () => {
  await startBackend()
  const { session } = await createSession()
  const ask = (body: object, headers = {}) => call(`/v1/sessions/${session}/asks`, { method: 'POST', headers, body: JSON.stringify({ ask: 'a1', ...body }) })
  expect((await ask({ text: 'the cup', tasks: ['region'] })).status).toBe(200)
  const refused = [
    await ask({ text: 'the dog' }),
    await ask({ text: 'the dog' }, { accept: 'text/event-stream' }),
    await ask({ text: 'the cup', tasks: ['mask'] }),
    await ask({ text: 'the cup', at: { frame: 1 } }),
  ]
  expect(refused.map(({ status }) => status)).toEqual([409, 409, 409, 409])
  expect(await refused[0]?.json()).toMatchObject({ code: 'id-taken' })
  for (const repeat of [{}, { tasks: ['region'] }, { deadlineMs: 1000 }]) expect((await ask({ text: 'the cup', ...repeat })).status).toBe(200)
})

test('[AS6] the boxes of an ask over HTTP reach the model', async () => {
  const backend = await startBackend()
  const { session } = await createSession()
  const body = { ask: 'a1', text: 'what is <box>?', boxes: [[0, 0, 0.5, 0.5]] }
  await call(`/v1/sessions/${session}/asks`, { method: 'POST', body: JSON.stringify(body) })
  expect(backend.sessions.get(session)?.messages.find(({ type }) => type === 'ask-start')).toMatchObject(body)
})

test('[AS2] `ask-accepted` tells as `look` where the ask looks; its `at` is the time of the event', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.frame(1)
  await client.until('frame-seen')
  client.say({ type: 'ask-start', ask: 'a1', text: 'the cup', at: { frame: 1 } })
  expect(await client.until('ask-accepted')).toMatchObject({ look: { frame: 1 }, at: expect.any(Number) })
  client.say({ type: 'ask-start', ask: 'a2', text: 'the cup' })
  expect(await client.until('ask-accepted', 2)).not.toHaveProperty('look')
})

test('[AS6] an ask over HTTP without any socket, as server-sent events', async () => {
  await startBackend()
  const { session } = await (await call('/v1/sessions', { method: 'POST' })).json<{ session: string }>()
  const response = await call(`/v1/sessions/${session}/asks`, {
    method: 'POST',
    body: JSON.stringify({ ask: 'http1', text: 'the cup' }),
    headers: { accept: 'text/event-stream' },
  })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const text = await response.text()
  expect(Array.from(text.matchAll(/^event: (.*)$/gm), ([, type]) => type)).toEqual([
    'ask-accepted',
    'answer-delta',
    'head-started',
    'head-result',
    'answer-ended',
  ])
})

test('[AS4] a cancel ends the ask; a lost socket does not', async () => {
  const backend = await startBackend({ answer: () => undefined })
  const { client, session, created } = await EdgeClient.start()
  client.say({ type: 'ask-start', ask: 'a1', text: 'one' })
  client.say({ type: 'ask-start', ask: 'a2', text: 'two' })
  await client.until('ask-accepted', 2)
  client.say({ type: 'ask-cancel', ask: 'a1' })
  expect(await client.until('answer-ended')).toMatchObject({ ask: 'a1', finish: 'cancelled' })
  client.close()
  const ticket = await call(`/v1/sessions/${session}/tickets`, { method: 'POST', key: null, body: JSON.stringify({ resumeKey: created.resumeKey }) })
  const back = await EdgeClient.open(await ticket.json())
  back.say({ type: 'session-resume', lastSeq: client.events.at(-1)?.seq ?? 0, streams: [{ stream: 0, sent: 0, unsettled: [] }] })
  backend.sessions.get(session)?.answer({ ask: 'a2', text: 'two' })
  expect(await back.until('answer-ended')).toMatchObject({ ask: 'a2', finish: 'stop' })
})

test('[AS5] refused asks leave no event, and the error names them', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.say({ type: 'ask-start', ask: 'a1', text: 'one', stream: 7 })
  expect(await client.until('error')).toMatchObject({ code: 'unknown-stream', of: 'a1' })
  client.send(JSON.stringify({ type: 'ask-start', ask: 'a2', text: 'one', colour: 'red' }))
  expect(await client.until('error', 2)).toMatchObject({ code: 'invalid-message', of: 'a2' })
  client.say({ type: 'ask-cancel', ask: 'nothing' })
  expect(await client.until('error', 3)).toMatchObject({ code: 'unknown-id', of: 'nothing' })
  expect(client.of('ask-accepted')).toHaveLength(0)
})

test('[AS3] a lost backend ends running asks with `unavailable`, and the next ask finds another backend', async () => {
  const backend = await startBackend({ name: 'first', answer: () => undefined })
  const { client } = await EdgeClient.start()
  client.say({ type: 'ask-start', ask: 'a1', text: 'one' })
  await client.until('ask-accepted')
  await client.when(
    () => backend.sessions.size === 1,
    () => 'the session at the backend',
  )
  await startBackend({ name: 'second' })
  backend.die()
  expect(await client.until('answer-ended')).toMatchObject({ ask: 'a1', finish: 'error', error: { code: 'unavailable' } })
  client.say({ type: 'ask-start', ask: 'a2', text: 'two' })
  expect(await client.until('answer-ended', 2)).toMatchObject({ ask: 'a2', finish: 'stop' })
  expect(client.of('answer-ended')).toHaveLength(2)
})

test('[PE4] evidence by id, and drawn over its frame while that is kept', async () => {
  const backend = await startBackend({ picture: new Uint8Array([137, 80, 78, 71]) })
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  client.say({ type: 'ask-start', ask: 'a1', text: 'the cup' })
  const { evidence } = await client.until('head-result')
  const read = await call(`/v1/sessions/${session}/evidence/${evidence.id}`)
  expect(await read.json()).toEqual(evidence)
  const drawn = await call(`/v1/sessions/${session}/evidence/${evidence.id}.png`)
  expect([drawn.headers.get('content-type'), new Uint8Array(await drawn.arrayBuffer())]).toEqual(['image/png', new Uint8Array([137, 80, 78, 71])])
  delete backend.script.picture
  const gone = await call(`/v1/sessions/${session}/evidence/${evidence.id}.png`)
  expect([gone.status, await gone.json()]).toMatchObject([404, { code: 'frame-gone' }])
  client.say({ type: 'picture-get', request: 'p1', stream: 0, frame: 1 })
  expect(await client.until('error')).toMatchObject({ code: 'frame-gone', of: 'p1' })
  expect((await call(`/v1/sessions/${session}/evidence/ev_0000000000`)).status).toBe(404)
})

test('[EV3] events of an ask that is over end the stream at once, also where all were read', async () => {
  await startBackend()
  const { session } = await (await call('/v1/sessions', { method: 'POST' })).json<{ session: string }>()
  const ask = (lastEventId: string) =>
    call(`/v1/sessions/${session}/asks`, {
      method: 'POST',
      body: JSON.stringify({ ask: 'a1', text: 'cup' }),
      headers: { accept: 'text/event-stream', 'last-event-id': lastEventId },
    })
  const first = await (await ask('0')).text()
  const last = Array.from(first.matchAll(/^id: (\d+)$/gm), ([, id]) => id).at(-1) ?? ''
  expect(await (await ask(last)).text()).toBe('')
})
