import { afterAll, beforeAll, expect, test } from 'vitest'
import type { House } from '../../packages/cli/src/house.ts'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { openSession, video } from '../../packages/sdk/src/node/index.ts'
import { openTestHouse } from '../house/open-test-house.ts'

const CLIP = inRepository('samples/lookalikes.webp')
let house: House

beforeAll(async () => {
  house = await openTestHouse()
})
afterAll(() => house.close())

test('[EV2] the connection drops again and again while a file is sent: every frame is seen, no event twice, none missing', async () => {
  await using session = await openSession(house)
  const seqs: number[] = []
  session.on('message', (message) => 'at' in message && seqs.push(message.seq))
  const sending = session.send(await video(CLIP))
  let answered = 0
  const results = session.results()
  const drops = new Set([5, 15, 25])
  const dropping = (async () => {
    for await (const _ of results) if (drops.has(++answered)) session.dropConnection()
  })()
  const counts = await sending.done
  await results.return()
  await dropping
  expect(counts.seen).toBe(32)
  expect(counts.sent).toBe(counts.seen + counts.dropped)
  expect(counts.resent).toBe(counts.dropped)
  const answer = await session.ask('is there a banana?')
  expect(answer.text.length).toBeGreaterThan(0)
  expect(seqs).toEqual(seqs.map((_, index) => index + 1))
})

test('[AS3] [AS4] an ask goes on while its asker is away, and the answer is there on return', async () => {
  await using session = await openSession(house)
  await session.send(await video(CLIP)).done
  const answer = session.ask('is there a banana?')
  await new Promise<void>((resolve) => {
    const off = session.on('message', ({ type }) => {
      if (type !== 'ask-accepted') return
      off()
      session.dropConnection()
      resolve()
    })
  })
  expect(session.connection.state).not.toBe('closed')
  const { text, finish } = await answer
  expect(text.length).toBeGreaterThan(0)
  expect(finish).not.toBe('error')
})

test('[WI5] [EV2] another program takes the session up: it reads the whole log and goes on with the next frame number', async () => {
  const first = await openSession(house)
  await first.send(await video(CLIP)).done
  const asked = await first.ask('is there a banana?')
  const { id: session, resumeKey = '', lastSeq } = first
  await first.close({ keep: true })

  await using second = await openSession({ url: house.url, session, resumeKey })
  const texts: string[] = []
  await new Promise<void>((resolve) => {
    second.on('message', (message) => {
      if (message.type === 'answer-ended') texts.push(message.text)
      if ('at' in message && message.seq >= lastSeq) resolve()
    })
  })
  expect(texts).toEqual([asked.text])
  const stream = second.openStream({ stream: 1, policy: 'all' })
  for await (const frame of (await video(CLIP)).frames({ modelSize: () => undefined, room: async () => {}, signal: new AbortController().signal })) {
    await stream.put({ ...frame, mediaTime: frame.mediaTime + 10_000 })
  }
  await stream.drained()
  expect(second.view()).toMatchObject({ frame: 64 })
})

test('[SE2] a second owner replaces the first, which does not come back by itself', async () => {
  const first = await openSession(house)
  await using second = await openSession({ url: house.url, session: first.id, resumeKey: first.resumeKey ?? '' })
  await expect.poll(() => first.connection.state, { timeout: 5000 }).toBe('closed')
  expect(() => first.ask('still there?')).toThrow('took this session over')
  expect(second.connection.state).toBe('open')
})
