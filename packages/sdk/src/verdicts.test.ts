import { expect, test } from 'vitest'
import { FakeEdge, settle } from '../test/fake-edge.ts'
import type { Frame } from './frame-source.ts'

function picture(mediaTime = 0): Frame {
  return { data: new Uint8Array([1, 2, 3]), codec: 'jpeg', width: 4, height: 4, mediaTime }
}

test('[EV2] a resume names the streams that stand, not all there ever were', async () => {
  const edge = new FakeEdge()
  edge.onFrame = ({ stream, frame }) => edge.seen(stream, frame)
  const session = edge.open()
  await session.ready
  for (let count = 0; count < 65; count++) {
    const stream = session.openStream({ policy: 'all' })
    await stream.put(picture(0))
    await stream.drained()
    stream.close()
    await settle(1)
  }
  const standing = session.openStream({ policy: 'all' })
  await standing.put(picture(0))
  await standing.drained()
  edge.drop()
  await settle(5)
  expect(edge.said.filter((message) => message.type === 'session-resume').at(-1)?.streams).toEqual([{ stream: 66, sent: 1, unsettled: [] }])
  expect(session.view()).toMatchObject({ stream: 66 })
  expect(session.view(1)).toBeUndefined()
  await session.close()
})

test('[FR1] frames of a stream that is closed get their verdict, also after a lost connection', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  const [first, second] = [session.openStream({ policy: 'all' }), session.openStream({ policy: 'all' })]
  const results = session.results()
  for (const stream of [first, second]) await stream.put(picture(0))
  await settle(2)
  first.close()
  await settle(2)
  edge.reachable = false
  edge.drop()
  await settle(2)
  second.close()
  await expect(second.put(picture(1))).rejects.toMatchObject({ code: 'cancelled' })
  edge.reachable = true
  await settle(10)
  for (const { counts } of [first, second]) expect(counts).toMatchObject({ sent: 1, dropped: 1, resent: 0 })
  expect([await results.next(), await results.next()].map(({ value }) => value?.type)).toEqual(['frame-dropped', 'frame-dropped'])
  await session.close()
})
