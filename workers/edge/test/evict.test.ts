import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { call, createSession, EdgeClient, startBackend } from './edge-client.ts'

const evict = (session: string) => evictDurableObject(env.SESSION.getByName(session))

test('[EP5] eviction between any two steps of a stream changes nothing', async () => {
  const backend = await startBackend()
  const { client, session } = await EdgeClient.start()
  await client.until('session-state', 2)
  for (let number = 1; number <= 4; number++) {
    await evict(session)
    client.frame(number)
    expect(await client.until('frame-seen', number)).toMatchObject({ frame: number })
  }
  await evict(session)
  client.say({ type: 'stream-close', stream: 0 })
  await client.until('stream-closed')
  const seqs = client.events.map((event) => event.seq)
  expect(seqs).toEqual(seqs.map((_, index) => index + 1))
  expect(backend.sessions.get(session)?.epoch).toBe(1)
})

test('[EP5] [AS3] eviction between any two steps of an ask', async () => {
  const backend = await startBackend({ answer: () => undefined })
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  await client.until('frame-seen')
  await evict(session)
  client.say({ type: 'ask-start', ask: 'a1', text: 'the cup' })
  await client.until('ask-accepted')
  await evict(session)
  const far = backend.sessions.get(session)
  far?.say({ type: 'answer-delta', ask: 'a1', text: 'I ' })
  await client.until('answer-delta')
  await evict(session)
  far?.say({ type: 'answer-delta', ask: 'a1', text: 'see it.' })
  await client.until('answer-delta', 2)
  await evict(session)
  far?.answer({ ask: 'a1', text: 'the cup' }, '')
  await client.until('answer-ended')
  await evict(session)
  expect((await (await call(`/v1/sessions/${session}/asks/a1`)).json<{ evidence: unknown[] }>()).evidence).toHaveLength(1)
  expect(client.of('answer-ended')).toHaveLength(1)
})

test('[SE5] a verdict that is owed survives eviction; a frame that was held is settled unavailable', async () => {
  const backend = await startBackend({ verdict: () => null })
  const { client, session } = await EdgeClient.start()
  await client.until('session-state', 2)
  client.frame(1)
  const far = () => backend.sessions.get(session)
  await client.when(
    () => far()?.frames.length === 1,
    () => 'the frame at the backend',
  )
  await evict(session)
  const [frame] = far()?.frames ?? []
  if (frame) far()?.seen(frame)
  expect(await client.until('frame-seen')).toMatchObject({ frame: 1 })

  backend.die()
  await client.until('session-state', 3)
  client.frame(2)
  // The frame is at the edge once a later message has been answered.
  client.say({ type: 'ask-cancel', ask: 'none' })
  await client.until('error')
  await evict(session)
  client.say({ type: 'ask-cancel', ask: 'none' })
  expect(await client.until('frames-settled')).toMatchObject({ ranges: [{ from: 2, to: 2, outcome: 'dropped', reason: 'unavailable' }] })
})

test('[EV2] a lost socket and an eviction: a resume tells the real outcome of what the client has no verdict for', async () => {
  const backend = await startBackend({ verdict: ({ frame }) => (frame === 3 ? null : frame === 2 ? { drop: 'stale' } : 'seen') })
  const { client, session, created } = await EdgeClient.start()
  await client.until('session-state', 2)
  for (const number of [1, 2]) client.frame(number)
  await client.until('frame-dropped')
  client.frame(3)
  await client.when(
    () => backend.sessions.get(session)?.frames.length === 3,
    () => 'three frames at the backend',
  )
  const lastSeq = client.events.at(-1)?.seq ?? 0
  client.close()
  await expect.poll(async () => (await (await call(`/v1/sessions/${session}`)).json<{ state: string }>()).state).toBe('paused')
  await evict(session)
  const ticket = await call(`/v1/sessions/${session}/tickets`, { method: 'POST', key: null, body: JSON.stringify({ resumeKey: created.resumeKey }) })
  const back = await EdgeClient.open(await ticket.json())
  back.say({ type: 'session-resume', lastSeq, streams: [{ stream: 0, sent: 4, unsettled: [1, 2, 3, 4] }] })
  await back.until('stream-window')
  const told = back.of('frames-settled').flatMap(({ ranges }) => ranges)
  expect(told).toEqual([
    { from: 1, to: 1, outcome: 'seen' },
    { from: 2, to: 2, outcome: 'dropped', reason: 'stale' },
    { from: 4, to: 4, outcome: 'dropped', reason: 'unavailable' },
  ])
  const far = backend.sessions.get(session)
  const third = far?.frames[2]
  if (third) far?.seen(third)
  expect(await back.until('frame-seen')).toMatchObject({ frame: 3 })
  back.frame(5, { verdictsRead: 4 })
  expect(await back.until('frame-seen', 2)).toMatchObject({ frame: 5 })
  const seqs = [...client.events, ...back.events].map((event) => event.seq)
  expect(seqs).toEqual(seqs.map((_, index) => index + 1))
})

test('[EV2] a crash that took every socket along: all that is named is settled, and the session goes on', async () => {
  await startBackend({ verdict: () => null })
  const { client, session, created } = await EdgeClient.start()
  client.frame(1)
  await evictDurableObject(env.SESSION.getByName(session), { webSockets: 'close' })
  await client.untilClosed()
  const ticket = await call(`/v1/sessions/${session}/tickets`, { method: 'POST', key: null, body: JSON.stringify({ resumeKey: created.resumeKey }) })
  const back = await EdgeClient.open(await ticket.json())
  back.say({ type: 'session-resume', lastSeq: client.events.at(-1)?.seq ?? 0, streams: [{ stream: 0, sent: 2, unsettled: [1, 2] }] })
  expect(await back.until('frames-settled')).toMatchObject({ ranges: [{ from: 1, to: 2, outcome: 'dropped', reason: 'unavailable' }] })
  expect(await back.until('stream-window')).toMatchObject({ window: 2 })
})

test('[EV3] the log over HTTP goes on from Last-Event-ID', async () => {
  await startBackend()
  const { client, session } = await EdgeClient.start()
  client.say({ type: 'ask-start', ask: 'a1', text: 'the cup' })
  const { seq } = await client.until('answer-ended')
  client.say({ type: 'session-end' })
  await client.untilClosed()
  const text = await (await call(`/v1/sessions/${session}/events`, { headers: { 'last-event-id': String(seq - 2) } })).text()
  const ids = Array.from(text.matchAll(/^id: (\d+)$/gm), ([, id]) => Number(id))
  expect(ids).toEqual(ids.map((_, index) => seq - 1 + index))
  expect(text).toContain('event: session-ended')
  expect((await call(`/v1/sessions/${session}/events`, { headers: { 'last-event-id': 'yesterday' } })).status).toBe(400)
})

test('[AS3] asks that wait for a backend end `unavailable` when none can be had, and a hello brings the session back', async () => {
  const { session } = await createSession()
  const answer = call(`/v1/sessions/${session}/asks`, { method: 'POST', body: JSON.stringify({ ask: 'a1', text: 'the cup' }) })
  expect(await (await answer).json()).toMatchObject({ finish: 'error', error: { code: 'unavailable', retryable: true } })
  const refused = await call(`/v1/sessions/${session}/asks`, { method: 'POST', body: JSON.stringify({ ask: 'a2', text: 'the cup' }) })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '3'])
  await startBackend()
  await expect.poll(async () => (await (await call(`/v1/sessions/${session}`)).json<{ state: string }>()).state).toBe('idle')
  const again = await call(`/v1/sessions/${session}/asks`, { method: 'POST', body: JSON.stringify({ ask: 'a3', text: 'the cup' }) })
  expect(await again.json()).toMatchObject({ finish: 'stop' })
})

test('[EP1] a backend that comes with an old epoch is fenced', async () => {
  const late = await startBackend({ name: 'late', deaf: true })
  const { client, session } = await EdgeClient.start()
  await client.when(
    () => late.assigned.length === 1,
    () => 'an assignment',
  )
  const { Tickets } = await import('../src/session/tickets.ts')
  const { open, ORIGIN } = await import('./edge-client.ts')
  const { ticket } = await new Tickets(env.TICKET_SECRET).forBackend(session, 99, 'late', Date.now())
  const socket = await open(`${ORIGIN}/internal/sessions/${session}/attach`, { authorization: `Bearer ${ticket}` })
  const code = await new Promise((resolve) => socket.addEventListener('close', (event) => resolve(event.code)))
  expect(code).toBe(4009)
})

test('[EP5] an owner that was replaced and never answers the close is not the owner after an eviction', async () => {
  await startBackend()
  const { session, wsUrl, protocols, resumeKey } = await createSession()
  const { exports } = await import('cloudflare:workers')
  const response = await exports.default.fetch(
    new Request(wsUrl.replace('ws', 'http'), { headers: { upgrade: 'websocket', 'sec-websocket-protocol': protocols.join(', ') } }),
  )
  const half = response.webSocket
  // Half open: a close from the edge is not answered.
  half?.accept({ allowHalfOpen: true })
  half?.send(JSON.stringify({ type: 'session-resume', lastSeq: 0, streams: [] }))
  half?.send(JSON.stringify({ type: 'stream-open', stream: 0, policy: 'latest' }))
  const state = async () => (await (await call(`/v1/sessions/${session}`)).json<{ state: string }>()).state
  await expect.poll(state).toBe('live')
  const ticket = await call(`/v1/sessions/${session}/tickets`, { method: 'POST', key: null, body: JSON.stringify({ resumeKey }) })
  const second = await EdgeClient.open(await ticket.json())
  second.say({ type: 'session-resume', lastSeq: 0, streams: [] })
  await second.until('session-started')
  second.close()
  await expect.poll(state).toBe('paused')
  await evict(session)
  expect(await state()).toBe('paused')
})
