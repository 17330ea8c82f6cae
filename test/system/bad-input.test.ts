import sharp from 'sharp'
import { WebSocket } from 'ws'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { House } from '../../packages/cli/src/house.ts'
import { openSession } from '../../packages/sdk/src/node/index.ts'
import type { Frame, OutStream, Result, Session } from '../../packages/sdk/src/node/index.ts'
import { openTestHouse } from '../house/open-test-house.ts'

// Bad input that crosses parts: each gets its clear error, and the session goes on with nothing lost.

let house: House
let session: Session
let stream: OutStream
let good: Frame

beforeAll(async () => {
  house = await openTestHouse()
  const data = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer()
  good = { data, codec: 'jpeg', width: 64, height: 48, mediaTime: 0 }
}, 120_000)
afterAll(() => house.close())
beforeEach(async () => {
  session = await openSession(house)
  stream = session.openStream({ policy: 'all' })
  return () => session.close()
})

/** The verdict of a frame, and of a good one after it: the session goes on. */
async function verdictOf(bad: Frame): Promise<Result | undefined> {
  const results = session.results()
  await stream.put(bad)
  const { value } = await results.next()
  await stream.put({ ...good, mediaTime: bad.mediaTime + 100 })
  const next = await results.next()
  expect(next.value?.type).toBe('frame-seen')
  await results.return()
  return value
}

test('a corrupt JPEG is undecodable', async () => {
  const data = Uint8Array.from(good.data)
  data.fill(0x55, 20, data.length - 2)
  expect(await verdictOf({ ...good, data })).toMatchObject({ type: 'frame-dropped', reason: 'undecodable' })
})

test('bytes that are no picture, and a picture cut short, are undecodable', async () => {
  expect(await verdictOf({ ...good, data: new TextEncoder().encode('this is no picture') })).toMatchObject({ reason: 'undecodable' })
  expect(await verdictOf({ ...good, mediaTime: 200, data: good.data.slice(0, 100) })).toMatchObject({ reason: 'undecodable' })
})

test('[WI3] a header that names another size than the picture has is undecodable', async () => {
  expect(await verdictOf({ ...good, width: 640, height: 480 })).toMatchObject({ reason: 'undecodable' })
})

test('a bomb of 100 megapixels is refused before its pixels exist', async () => {
  const data = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: 'black' } })
    .png({ compressionLevel: 9 })
    .toBuffer()
  const before = await memoryOf(house)
  expect(await verdictOf({ data, codec: 'png', width: 10_000, height: 10_000, mediaTime: 0 })).toMatchObject({ type: 'frame-dropped', reason: 'too-large' })
  // The same picture under a small header must not get further either.
  expect(await verdictOf({ data, codec: 'png', width: 64, height: 48, mediaTime: 200 })).toMatchObject({ reason: 'undecodable' })
  expect((await memoryOf(house)) - before).toBeLessThan(150e6)
})

test('[AS5] an ask before any frame ends with `no-frame`, and works once there is one', async () => {
  const { finish, error } = await session.ask('what is there?')
  expect({ finish, code: error?.code }).toEqual({ finish: 'error', code: 'no-frame' })
  await expect(session.locate('ball')).rejects.toMatchObject({ code: 'no-frame' })
  await stream.put(good)
  await stream.drained()
  expect((await session.locate('ball')).task).toBe('region')
})

test('[AS5] an ask about a frame that was never there says which ones are kept', async () => {
  await stream.put(good)
  await stream.drained()
  const { error } = await session.ask('what is there?', { at: { frame: 99 } })
  expect(error).toMatchObject({ code: 'frame-gone' })
  expect(error?.message).toMatch(/\d/)
})

test('[AS1] one id, two questions: the second is refused, the first stands', async () => {
  await stream.put(good)
  await stream.drained()
  const first = await session.ask('is there a ball?', { id: 'one' })
  await expect(session.ask('is there a dog?', { id: 'one' })).rejects.toMatchObject({ code: 'id-taken' })
  expect(first.finish).not.toBe('error')
})

test('[SE1] a ticket opens one socket, once', async () => {
  const ticket = await ticketOf(house, session)
  const first = await dial(ticket)
  expect(first.opened).toBe(true)
  const second = await dial(ticket)
  expect(second.opened && second.code === undefined).toBe(false)
  first.socket.terminate()
})

test('[WI1] a page of a foreign origin reads a close code and nothing else', async () => {
  const { code } = await dial(await ticketOf(house, session), { origin: 'https://evil.example' })
  expect(code).toBe(1008)
})

type Ticket = { wsUrl: string; protocols: string[] }

async function ticketOf({ url }: House, { id, resumeKey }: Session): Promise<Ticket> {
  const response = await fetch(`${url}/v1/sessions/${id}/tickets`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resumeKey }),
  })
  return response.json()
}

/** What comes of dialling: opened and kept, where a message comes first, or closed with a code. */
function dial({ wsUrl, protocols }: Ticket, { origin }: { origin?: string } = {}): Promise<{ socket: WebSocket; opened: boolean; code?: number }> {
  return new Promise((resolve) => {
    const options = { closeTimeout: 1000, ...(origin && { origin }) }
    const socket = new WebSocket(wsUrl, protocols, options)
    let opened = false
    socket.on('message', () => resolve({ socket, opened: true }))
    socket.on('open', () => (opened = true))
    socket.on('error', () => {})
    socket.on('close', (code) => resolve({ socket, opened, code }))
  })
}

async function memoryOf({ ready }: House): Promise<number> {
  const [backend] = await ready
  const text = await (await fetch(`http://127.0.0.1:${backend?.port}/metrics`)).text()
  return Number(/^fovea_memory_bytes (\d+)/m.exec(text)?.[1])
}
