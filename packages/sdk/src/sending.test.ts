import { expect, test } from 'vitest'
import { FakeEdge, settle } from '../test/fake-edge.ts'
import type { Frame, FrameSource } from './frame-source.ts'

function picture(mediaTime = 0): Frame {
  return { data: new Uint8Array([1, 2, 3]), codec: 'jpeg', width: 4, height: 4, mediaTime }
}

function recording(...times: number[]): FrameSource {
  return {
    policy: 'all',
    async *frames() {
      for (const mediaTime of times) yield picture(mediaTime)
    },
  }
}

test('a source that goes on with a stream is moved on in media time, whatever it counts from', async () => {
  const edge = new FakeEdge()
  edge.onFrame = ({ stream, frame }) => edge.seen(stream, frame)
  const session = edge.open()
  await session.ready
  const first = session.send(recording(0, 100, 200))
  await first.done
  await session.send(recording(0, 100), { stream: first.stream }).done
  const times = edge.streams.get(first.stream)?.received.map(({ mediaTime }) => mediaTime) ?? []
  expect(times.slice(0, 3)).toEqual([0, 100, 200])
  expect(times[3]).toBeGreaterThanOrEqual(201)
  expect((times[4] ?? 0) - (times[3] ?? 0)).toBeCloseTo(100)
  await session.close()
})

test('a source whose stream is closed ends, also one that has nothing to send', async () => {
  const edge = new FakeEdge()
  const session = edge.open()
  await session.ready
  const ends: string[] = []
  const waiting = (name: string) => ({
    policy: 'latest' as const,
    async *frames({ signal }: { signal: AbortSignal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      ends.push(name)
      yield* []
    },
  })
  const [one, two] = [session.send(waiting('closed by the edge')), session.send(waiting('session over'))]
  await settle(2)
  edge.emit({ type: 'stream-closed', stream: one.stream, because: 'by the edge' })
  await expect(one.done).rejects.toMatchObject({ code: 'cancelled' })
  await session.close()
  await expect(two.done).rejects.toBeDefined()
  expect(ends).toEqual(['closed by the edge', 'session over'])
})
