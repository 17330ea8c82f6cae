import { CLOSE } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { EdgeClient, startBackend } from './edge-client.ts'
import { NOT_FRAMES } from './scripted-backend.ts'

test('[FR1] a skipped number is settled unavailable, said, and the frame is taken', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.frame(3)
  expect(await client.until('frames-settled')).toEqual({
    type: 'frames-settled',
    stream: 0,
    ranges: [{ from: 1, to: 2, outcome: 'dropped', reason: 'unavailable' }],
  })
  expect(await client.until('error')).toMatchObject({ code: 'frame-number', expected: 1, got: 3 })
  expect(await client.until('frame-seen')).toMatchObject({ frame: 3 })
  client.frame(3)
  expect(await client.until('error', 2)).toMatchObject({ code: 'frame-number', expected: 4, got: 3 })
  client.frame(4)
  expect(await client.until('frame-seen', 2)).toMatchObject({ frame: 4 })
})

test('[FR2] frames beyond the window get `budget`, and the session goes on', async () => {
  await startBackend({ verdict: ({ frame }) => (frame <= 2 ? null : 'seen') })
  const { client } = await EdgeClient.start()
  await client.until('session-state', 2)
  for (const number of [1, 2, 3]) client.frame(number, { verdictsRead: 0 })
  expect(await client.until('frame-dropped')).toMatchObject({ frame: 3, reason: 'budget' })
})

test('[FR2] fifty frames a second beyond the window close the socket with 4008', async () => {
  await startBackend({ verdict: () => null })
  const { client } = await EdgeClient.start()
  for (let number = 1; number <= 150; number++) client.frame(number, { verdictsRead: 0 })
  expect(await client.untilClosed()).toMatchObject({ code: CLOSE.rate })
})

test('[WI3] a frame above the limit gets `too-large` and uses its number', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.frame(1, { payload: new Uint8Array(3 * 1024 * 1024) })
  expect(await client.until('frame-dropped')).toMatchObject({ frame: 1, reason: 'too-large' })
  client.frame(2, { width: 20_000, height: 5000 })
  expect(await client.until('frame-dropped', 2)).toMatchObject({ frame: 2, reason: 'too-large' })
  client.frame(3)
  expect(await client.until('frame-seen')).toMatchObject({ frame: 3 })
})

test.each(Object.entries(NOT_FRAMES))('[WI3] %s uses no number', async (_, bytes) => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.send(bytes)
  expect(await client.until('error')).toMatchObject({ code: 'invalid-message' })
  client.frame(1)
  expect(await client.until('frame-seen')).toMatchObject({ frame: 1 })
})

test('[WI3] a frame of a stream that is not open uses no number', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.frame(1, { stream: 9 })
  expect(await client.until('error')).toMatchObject({ code: 'invalid-message' })
  expect(client.of('frame-dropped')).toEqual([])
})

test('[WI2] a message with an unknown field is refused by the field’s name, does nothing, and the session goes on', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.send('{"type":"stream-pause","stream":0,"paused":true,"until":"tomorrow"}')
  expect(await client.until('error')).toMatchObject({ code: 'invalid-message', message: expect.stringContaining('until') })
  client.frame(1)
  expect(await client.until('frame-seen')).toMatchObject({ frame: 1 })
})

test('[WI2] unknown types are refused; the twenty-first in a minute closes 4010', async () => {
  const { client } = await EdgeClient.start()
  client.send('{"type":"rule-set","rule":"r1"}')
  expect(await client.until('error')).toMatchObject({ code: 'invalid-message' })
  for (let count = 0; count < 20; count++) client.send('no json at all')
  expect(await client.untilClosed()).toMatchObject({ code: CLOSE.protocol })
})

test('[WI5] before session-resume nothing else is taken', async () => {
  const { createSession } = await import('./edge-client.ts')
  const client = await EdgeClient.open(await createSession())
  client.say({ type: 'stream-open', stream: 0, policy: 'latest' })
  expect(await client.until('error')).toMatchObject({ code: 'invalid-message', message: expect.stringContaining('session-resume') })
  client.frame(1)
  await client.until('error', 2)
  expect(client.read.map((message) => message.type)).toEqual(['session-ready', 'error', 'error'])
})

test('[SE3] frames that come before a backend are held: `latest` sends the newest, `all` sends every one in order', async () => {
  const [live, file] = [await EdgeClient.start(), await EdgeClient.start({ policy: 'all' })]
  for (const { client } of [live, file]) for (const number of [1, 2]) client.frame(number)
  const backend = await startBackend()
  expect(await live.client.until('frames-settled')).toMatchObject({ ranges: [{ from: 1, to: 1, outcome: 'dropped', reason: 'stale' }] })
  await live.client.until('frame-seen')
  await file.client.until('frame-seen', 2)
  expect(backend.sessions.get(live.session)?.frames.map(({ frame }) => frame)).toEqual([2])
  expect(backend.sessions.get(file.session)?.frames.map(({ frame }) => frame)).toEqual([1, 2])
})

test('[SE3] a lost backend: what was forwarded is `unavailable` at once, and the stream goes on at the next one', async () => {
  const first = await startBackend({ name: 'first', verdict: () => null })
  const { client, session } = await EdgeClient.start()
  await client.until('session-state', 2)
  client.frame(1)
  client.frame(2)
  await client.when(
    () => first.sessions.get(session)?.frames.length === 2,
    () => 'frames at the backend',
  )
  const second = await startBackend({ name: 'second' })
  first.die()
  expect(await client.until('frames-settled')).toMatchObject({ ranges: [{ from: 1, to: 2, outcome: 'dropped', reason: 'unavailable' }] })
  client.frame(3)
  expect(await client.until('frame-seen')).toMatchObject({ frame: 3 })
  expect(second.sessions.get(session)?.epoch).toBe(2)
})

test('a paused stream drops its frames as `paused`', async () => {
  await startBackend()
  const { client } = await EdgeClient.start()
  client.say({ type: 'stream-pause', stream: 0, paused: true })
  client.frame(1)
  expect(await client.until('frame-dropped')).toMatchObject({ frame: 1, reason: 'paused' })
  client.say({ type: 'stream-pause', stream: 0, paused: false })
  client.frame(2)
  expect(await client.until('frame-seen')).toMatchObject({ frame: 2 })
})
