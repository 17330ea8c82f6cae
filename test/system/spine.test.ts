import { afterAll, beforeAll, expect, test } from 'vitest'
import type { House } from '../../packages/cli/src/house.ts'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { openSession, video } from '../../packages/sdk/src/node/index.ts'
import type { Result } from '../../packages/sdk/src/node/index.ts'
import { openTestHouse } from '../house/open-test-house.ts'

const CLIP = inRepository('samples/lookalikes.webp')
let house: House

beforeAll(async () => {
  house = await openTestHouse()
})
afterAll(() => house.close())

test('[FR1] [FR4] a recording goes through workerd and ONNX Runtime: each frame seen, exactly one verdict a number', async () => {
  await using session = await openSession(house)
  const results = session.results()
  const counts = await session.send(await video(CLIP)).done
  const seen: Result[] = []
  for (let index = 0; index < counts.sent; index++) {
    const { value } = await results.next()
    if (value) seen.push(value)
  }
  expect(counts).toMatchObject({ sent: 32, seen: 32, dropped: 0 })
  expect(seen.map(({ frame }) => frame).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1))
  expect(seen.every((result) => result.type === 'frame-seen' && result.captureAgeMs > 0 && result.timings.encode > 0)).toBe(true)
  expect(session.model?.hash).toMatch(/^[0-9a-f]{16,64}$/)
  expect(session.view()).toMatchObject({ frame: 32 })
})

test('[PE1] a forced head answers with evidence that says which model saw it, where and when', async () => {
  await using session = await openSession(house)
  await session.send(await video(CLIP)).done
  const evidence = await session.locate('banana')
  expect(evidence).toMatchObject({ task: 'region', query: 'banana', frame: 32, model: { hash: session.model?.hash } })
  expect(evidence.regions?.every(({ box }) => box[0] <= box[2] && box[1] <= box[3])).toBe(true)
  expect(await session.recall(evidence.id)).toEqual(evidence)
})

test('[AS2] [AS3] [AS6] words come in order and end once; over HTTP the same id returns the same answer', async () => {
  await using session = await openSession(house)
  await session.send(await video(CLIP)).done
  const answer = session.ask('is there a banana?')
  const types: string[] = []
  for await (const event of answer) types.push(event.type)
  expect(types[0]).toBe('ask-accepted')
  expect(types.filter((type) => type === 'answer-ended')).toHaveLength(1)
  expect(types.at(-1)).toBe('answer-ended')
  const { ask, text, finish } = await answer
  expect(['stop', 'length']).toContain(finish)
  const response = await fetch(`${house.url}/v1/sessions/${session.id}/asks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${house.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ask, text: 'is there a banana?' }),
  })
  expect(await response.json()).toMatchObject({ ask, text, finish })
})

test('[TR1] a standing query is compiled once and answered on every frame', async () => {
  await using session = await openSession(house)
  const sending = session.send(await video(CLIP))
  const watch = session.watch('banana')
  await sending.done
  expect(await watch.started).toHaveProperty('standing')
  expect(watch.last?.perception).toMatchObject({ watch: watch.watch, task: 'region' })
  watch.stop()
})

test('[SE1] the key of another tenant, or none, opens nothing', async () => {
  await expect(openSession({ url: house.url, key: 'fv_wrong' })).rejects.toMatchObject({ code: 'unauthorised' })
  await expect(openSession({ url: house.url })).rejects.toMatchObject({ code: 'unauthorised' })
})
