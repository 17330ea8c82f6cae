import { CLOSE } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { env, exports } from 'cloudflare:workers'
import { hashKey } from '../src/auth.ts'
import { Tickets } from '../src/session/tickets.ts'
import { Catalogue } from '../src/store/catalogue.ts'
import { call, createSession, EdgeClient, open, ORIGIN, startBackend } from './edge-client.ts'
import { withStore } from './fake-session.ts'

const createWith = (key: string) => call('/v1/sessions', { method: 'POST', key })
const usedToday = async () => (await (await call('/v1/usage')).json<{ usage: { asks: number; frames: number }[] }>()).usage[0]

test('[SE1] a ticket opens one socket, once', async () => {
  const created = await createSession()
  const first = await EdgeClient.open(created)
  expect(await first.until('session-ready')).toMatchObject({ session: created.session, role: 'owner', seq: 1, state: 'idle' })
  const second = await EdgeClient.open(created)
  expect(await second.untilClosed()).toMatchObject({ code: CLOSE.ticketUsed })
})

test('[SE1] a ticket that was not given out here, or for another session, closes 1008, and nothing of the session is said', async () => {
  const [one, two] = [await createSession(), await createSession()]
  for (const protocols of ['fovea.v1, ticket.nonsense', `fovea.v1, ${two.protocols[1]}`, one.protocols[1], 'fovea.v1', undefined]) {
    const client = new EdgeClient(await open(one.wsUrl.replace('ws', 'http'), protocols === undefined ? {} : { 'sec-websocket-protocol': protocols }))
    expect(await client.untilClosed()).toMatchObject({ code: CLOSE.auth, reason: expect.stringMatching(/ticket/) })
    expect([client.read, client.closed?.final]).toEqual([[], true])
  }
  const plain = await call(`/v1/sessions/${one.session}/ws`)
  expect([plain.status, await plain.json()]).toMatchObject([400, { code: 'invalid-message' }])
})

test('[WI1] a refused socket answers fovea.v1 only where it was offered', async () => {
  const { wsUrl } = await createSession()
  const answered = async (protocols: string) => {
    const headers = { upgrade: 'websocket', 'sec-websocket-protocol': protocols }
    const response = await exports.default.fetch(new Request(wsUrl.replace('ws', 'http'), { headers }))
    response.webSocket?.accept()
    return [response.status, response.headers.get('sec-websocket-protocol')]
  }
  expect(await answered('fovea.v1, ticket.nonsense')).toEqual([101, 'fovea.v1'])
  expect(await answered('fovea.v2, ticket.nonsense')).toEqual([101, null])
})

test('a ticket of a session that was never opened closes 4011', async () => {
  const id = 's_00000000000000000000000078'
  const { ticket } = await new Tickets(env.TICKET_SECRET).forClient(id, 'owner', Date.now())
  const client = await EdgeClient.open({ wsUrl: `${ORIGIN}/v1/sessions/${id}/ws`, protocols: ['fovea.v1', `ticket.${ticket}`] })
  expect(await client.untilClosed()).toMatchObject({ code: CLOSE.ended })
})

test('[WI1] the server answers fovea.v1 and never echoes the ticket', async () => {
  const { wsUrl, protocols } = await createSession()
  const response = await exports.default.fetch(
    new Request(wsUrl.replace('ws', 'http'), { headers: { upgrade: 'websocket', 'sec-websocket-protocol': protocols.join(', ') } }),
  )
  expect([response.status, response.headers.get('sec-websocket-protocol')]).toEqual([101, 'fovea.v1'])
})

test('a page of a foreign origin may not connect (close 1008) and uses up no ticket; one on the list may', async () => {
  const { session, ...created } = await createSession()
  const foreign = await EdgeClient.open(created, { origin: 'https://evil.example' })
  expect(await foreign.untilClosed()).toMatchObject({ code: CLOSE.auth, reason: expect.stringContaining('ALLOWED_ORIGINS') })
  expect(foreign.read).toEqual([])
  const listed = await EdgeClient.open(created, { origin: 'https://app.example' })
  expect(await listed.until('session-ready')).toMatchObject({ session })
})

test('[SE2] a second owner takes the first one’s place', async () => {
  const { client, session } = await EdgeClient.start()
  const ticket = await call(`/v1/sessions/${session}/tickets`, { method: 'POST', body: JSON.stringify({ role: 'owner' }) })
  const second = await EdgeClient.open(await ticket.json())
  expect(await client.untilClosed()).toMatchObject({ code: CLOSE.replaced })
  expect((await second.until('session-ready')).streams).toMatchObject([{ stream: 0, policy: 'latest', sent: 0 }])
})

test('[WI5] who goes on with a stream is told its next number, how far its media time was seen, and where new streams begin', async () => {
  await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  await client.until('frame-seen')
  const ticket = await call(`/v1/sessions/${session}/tickets`, { method: 'POST', body: JSON.stringify({ role: 'owner' }) })
  const second = await EdgeClient.open(await ticket.json())
  expect(await second.until('session-ready')).toMatchObject({ streams: [{ stream: 0, sent: 1, mediaTime: 33 }], nextStream: 1 })
})

test('[SE1] a viewer who comes late gets the state, then what happens; it may only read', async () => {
  await startBackend()
  const { client, session } = await EdgeClient.start()
  client.frame(1)
  await client.until('frame-seen')
  const ticket = await call(`/v1/sessions/${session}/tickets`, { method: 'POST', body: JSON.stringify({ role: 'viewer' }) })
  const viewer = await EdgeClient.open(await ticket.json())
  viewer.say({ type: 'session-resume', lastSeq: 0, streams: [] })
  expect((await viewer.until('session-reset')).state.streams).toEqual([{ stream: 0, policy: 'latest' }])
  client.frame(2)
  expect(await viewer.until('frame-seen')).toMatchObject({ frame: 2 })
  viewer.say({ type: 'ask-start', ask: 'a1', text: 'may I?' })
  expect(await viewer.until('error')).toMatchObject({ code: 'forbidden', of: 'a1' })
  viewer.frame(3)
  expect(await viewer.until('error', 2)).toMatchObject({ code: 'forbidden' })
  expect(client.of('error')).toEqual([])
})

test('tenant A never learns that a session of tenant B exists', async () => {
  const { session } = await createSession()
  const missing = 's_00000000000000000000000000'
  for (const path of ['', '/events', '/evidence/ev_0000000000', '/asks/a1']) {
    const foreign = await call(`/v1/sessions/${session}${path}`, { key: 'fovea_other_key' })
    const absent = await call(`/v1/sessions/${missing}${path}`, { key: 'fovea_other_key' })
    expect(foreign.status).toBe(404)
    expect((await foreign.text()).replace(session, '')).toBe((await absent.text()).replace(missing, ''))
  }
  expect((await (await call('/v1/sessions', { key: 'fovea_other_key' })).json<{ sessions: unknown[] }>()).sessions).toEqual([])
})

test('a tenant has so many sessions open and no more, also when it asks for many at once; ending one makes room', async () => {
  const catalogue = new Catalogue(env.DB)
  await catalogue.addTenant('small', 'Small', 0)
  await catalogue.addKey({ hash: await hashKey('fovea_small_key'), tenant: 'small', kind: 'api', name: 'test' }, 0)
  await catalogue.limitSessions('small', 2)
  const key = 'fovea_small_key'
  const responses = await Promise.all(Array.from({ length: 4 }, () => createWith(key)))
  expect(responses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 429, 429])
  const refused = responses.find(({ status }) => status === 429)
  expect(refused?.headers.get('content-type')).toBe('application/problem+json')
  expect(await refused?.json()).toMatchObject({
    code: 'too-many',
    expected: 2,
    retryable: true,
    detail: expect.stringMatching(/2 sessions .* DELETE \/v1\/sessions\/:id .*open=true/),
  })
  const list = async () => (await call('/v1/sessions?open=true', { key })).json<{ sessions: { session: string }[] }>()
  const { sessions } = await list()
  expect(sessions).toHaveLength(2)
  expect((await call(`/v1/sessions/${sessions[0]?.session}`, { method: 'DELETE', key })).status).toBe(204)
  await expect.poll(async () => (await list()).sessions.length).toBe(1)
  expect((await createWith(key)).status).toBe(201)
  expect((await call('/v1/sessions', { method: 'POST' })).status).toBe(201)
})

test('a session whose object was never made can be ended', async () => {
  const id = 's_00000000000000000000000077'
  const catalogue = new Catalogue(env.DB)
  await catalogue.addSession({ id, tenant: 'local', name: null, model: null, resumeHash: 'x', createdAt: 0 }, 1_000_000)
  const ended = async () => (await catalogue.session(id))?.endedAt
  expect([await ended(), (await call(`/v1/sessions/${id}`, { method: 'DELETE' })).status]).toEqual([null, 204])
  const at = await ended()
  expect(at).toBeGreaterThan(0)
  expect((await call(`/v1/sessions/${id}`, { method: 'DELETE' })).status).toBe(204)
  expect(await ended()).toBe(at)
})

test('[SE1] a ticket that was used does not become fresh as it expires', () =>
  withStore((store) => {
    expect([store.useTicket('j', 1000, 999), store.useTicket('j', 1000, 1000), store.useTicket('j', 1000, 1001)]).toEqual([true, false, false])
  }))

test('where the catalogue has no number for a tenant, MAX_SESSIONS of the deployment counts', async () => {
  const catalogue = new Catalogue(env.DB)
  await catalogue.addTenant('plain', 'Plain', 0)
  await catalogue.addKey({ hash: await hashKey('fovea_plain_key'), tenant: 'plain', kind: 'api', name: 'test' }, 0)
  const key = 'fovea_plain_key'
  Object.assign(env, { MAX_SESSIONS: '1' })
  try {
    expect([(await createWith(key)).status, (await createWith(key)).status]).toEqual([201, 429])
  } finally {
    Object.assign(env, { MAX_SESSIONS: '' })
  }
  expect((await createWith(key)).status).toBe(201)
})

test('every refusal over HTTP is a problem that says what to do', async () => {
  const anonymous = await call('/v1/sessions', { method: 'POST', key: null })
  expect(anonymous.status).toBe(401)
  expect(anonymous.headers.get('content-type')).toBe('application/problem+json')
  expect(await anonymous.json()).toMatchObject({ code: 'unauthorised', status: 401, retryable: false, detail: expect.stringContaining('Bearer') })
  expect(await (await call('/v1/sessions', { method: 'POST', body: '{"colour":"red"}' })).json()).toMatchObject({ code: 'invalid-message', status: 400 })
  expect(await (await call('/v1/sessions', { method: 'POST', body: '{nonsense' })).json()).toMatchObject({ code: 'invalid-message', status: 400 })
  expect(await (await call('/v1/nothing')).json()).toMatchObject({ code: 'not-found', status: 404 })
  const { session } = await createSession()
  expect(await (await call(`/v1/sessions/${session}/asks`, { method: 'POST', body: '{"text":""}' })).json()).toMatchObject({
    code: 'invalid-message',
    status: 400,
  })
  expect(await (await call(`/v1/sessions/${session}/asks`, { method: 'POST', body: 'x'.repeat(2_000_000) })).json()).toMatchObject({
    code: 'too-large',
    status: 413,
  })
})

test('the studio’s cookie creates sessions and tickets of its own origin, nothing else', async () => {
  const page = await exports.default.fetch(new Request(`${ORIGIN}/`))
  const set = page.headers.get('set-cookie') ?? ''
  expect(set).toMatch(/^fovea_studio=.*; Max-Age=604800; Path=\/v1; HttpOnly; SameSite=Strict$/)
  const cookie = set.split(';')[0] ?? ''
  const created = await call('/v1/sessions', { method: 'POST', key: null, headers: { cookie, origin: ORIGIN } })
  expect(created.status).toBe(201)
  const { session } = await created.json<{ session: string }>()
  expect((await call(`/v1/sessions/${session}/tickets`, { method: 'POST', key: null, headers: { cookie, origin: ORIGIN }, body: '{}' })).status).toBe(201)
  expect((await call('/v1/sessions', { method: 'POST', key: null, headers: { cookie, origin: 'https://evil.example' } })).status).toBe(403)
  expect((await call('/v1/sessions', { key: null, headers: { cookie } })).status).toBe(403)
  const elsewhere = await exports.default.fetch(new Request('http://rebound.example/'))
  expect(elsewhere.headers.get('set-cookie')).toBeNull()
})

test('session-end is final: events, then close 4011, then nothing starts any more', async () => {
  await startBackend()
  const { client, session } = await EdgeClient.start()
  client.say({ type: 'session-end' })
  expect(await client.untilClosed()).toMatchObject({ code: CLOSE.ended })
  expect(client.events.slice(-2).map((event) => event.type)).toEqual(['stream-closed', 'session-ended'])
  expect(await (await call(`/v1/sessions/${session}/asks`, { method: 'POST', body: '{"text":"still there?"}' })).json()).toMatchObject({ code: 'conflict' })
  expect(await (await call(`/v1/sessions/${session}`)).json()).toMatchObject({ state: 'ended' })
})

test('usage is counted by tenant and day', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.frame(1)
  client.say({ type: 'ask-start', ask: 'a1', text: 'the cup' })
  await client.until('answer-ended')
  await client.until('frame-seen')
  client.close()
  await expect.poll(usedToday).toMatchObject({ frames: expect.any(Number), asks: expect.any(Number), promptTokens: expect.any(Number) })
})
