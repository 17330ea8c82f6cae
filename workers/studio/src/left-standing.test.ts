import type { SessionEvent, UnnumberedEvent } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { LeftStanding } from './left-standing.ts'

const numbered = (events: UnnumberedEvent[]): SessionEvent[] => events.map((event, index) => ({ ...event, seq: index + 1, at: 1000 + index }))
const watch = { stream: 2, task: 'region' } as const

test('[EV2] what an earlier page left standing is read from its events: open streams, and watches that were not stopped', () => {
  const left = new LeftStanding()
  const changed = numbered([
    { type: 'stream-opened', stream: 1, policy: 'latest' },
    { type: 'watch-started', ...watch, watch: 'w1', stream: 1, query: 'the dog', standing: true },
    { type: 'watch-stopped', watch: 'w1', because: 'its stream was closed' },
    { type: 'stream-closed', stream: 1, because: 'closed by the client' },
    { type: 'stream-opened', stream: 2, policy: 'latest' },
    { type: 'watch-started', ...watch, watch: 'w2', query: 'the dog', minScore: 0.4, standing: true },
    { type: 'watch-started', ...watch, watch: 'w3', query: 'a bicycle', standing: true },
    { type: 'ask-accepted', ask: 'a', text: 'what?' },
  ]).map((event) => left.take(event))
  expect(changed).toEqual([false, true, true, false, false, true, true, false])
  expect([...left.streams]).toEqual([2])
  expect(left.watches).toEqual([
    { ...watch, watch: 'w2', query: 'the dog', minScore: 0.4 },
    { ...watch, watch: 'w3', query: 'a bicycle' },
  ])
  expect(left.release('w3')).toMatchObject({ query: 'a bicycle' })
  expect(left.release('w3')).toBeUndefined()
})

test('[EV2] where the log no longer reaches back, the state says the same', () => {
  const left = new LeftStanding()
  left.reset({ streams: [{ stream: 4, policy: 'latest' }], watches: [{ ...watch, watch: 'w9', stream: 4, query: 'the cup' }] })
  expect([[...left.streams], left.watches.map(({ query }) => query)]).toEqual([[4], ['the cup']])
  left.clear()
  expect([left.streams.size, left.watches]).toEqual([0, []])
})

test('a watch that went with its backend is left too, until the same is watched again or another picture is', () => {
  const error = { code: 'unavailable' as const, message: 'The backend was lost.', retryable: true }
  const lost = (id: string): UnnumberedEvent[] => [
    { type: 'watch-started', ...watch, watch: id, query: `the ${id}`, standing: true },
    { type: 'watch-stopped', watch: id, because: 'lost', error },
  ]
  const left = new LeftStanding()
  const take = (...events: UnnumberedEvent[]) => numbered(events).map((event) => left.take(event))
  take(...lost('dog'), ...lost('cat'))
  expect(left.watches.map(({ query }) => query)).toEqual(['the dog', 'the cat'])
  take({ type: 'watch-started', ...watch, watch: 'fresh', query: 'the dog', standing: true })
  expect(left.watches.map((one) => one.watch)).toEqual(['cat', 'fresh'])
  expect(left.release('cat')).toBeUndefined()
  take(...lost('bird'), { type: 'stream-opened', stream: 3, policy: 'latest' })
  expect(left.watches.map((one) => one.watch)).toEqual(['fresh'])
})
