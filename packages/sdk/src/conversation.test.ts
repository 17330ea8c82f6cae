import { getEventListeners } from 'node:events'
import { ProtocolError } from '@fovea/protocol'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FakeEdge, settle } from '../test/fake-edge.ts'
import type { Frame } from './frame-source.ts'

const usage = { promptTokens: 1, answerTokens: 1, heads: 0, deviceMs: 1, totalMs: 1 }
const EMPTY = { state: 'live' as const, streams: [], watches: [], tracks: [], asks: [], turns: [], workflows: [] }

function picture(mediaTime = 0): Frame {
  return { data: new Uint8Array([1, 2, 3]), codec: 'jpeg', width: 4, height: 4, mediaTime }
}

/** An edge that takes on whatever it is asked to, and ends nothing by itself. */
function willing(): FakeEdge {
  const edge = new FakeEdge()
  edge.onMessage = (message) => {
    if (message.type === 'ask-start') edge.emit({ type: 'ask-accepted', ask: message.ask, text: message.text })
    if (message.type === 'watch-start') {
      const { watch, stream, query, task } = message
      edge.emit({ type: 'watch-started', watch, stream, query, task, standing: true })
    }
    if (message.type === 'track-start') edge.emit({ type: 'track-started', track: message.track, stream: message.stream, prompt: message.prompt })
  }
  return edge
}

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('cancelling', () => {
  test('[AS4] while the connection is away settles at once, and the edge hears of it when it is back', async () => {
    const edge = willing()
    const session = edge.open()
    await session.ready
    session.openStream()
    await settle(2)
    const abort = new AbortController()
    const { signal } = abort
    const accepted = session.ask('where?', { signal })
    await settle(2)
    edge.reachable = false
    edge.drop()
    await settle(2)
    const unsaid = [session.ask('what?', { signal }), session.turn('and?', { signal }), session.follow({ query: 'dog' }, { signal })]
    abort.abort()
    for (const run of [accepted, ...unsaid]) await expect(run).rejects.toMatchObject({ code: 'cancelled' })
    edge.reachable = true
    await vi.waitFor(() => expect(edge.said).toContainEqual({ type: 'ask-cancel', ask: accepted.ask }))
    expect(edge.said.filter(({ type }) => type === 'ask-start' || type === 'turn-start' || type === 'track-start')).toHaveLength(1)
    edge.emit({ type: 'answer-ended', ask: accepted.ask, finish: 'cancelled', text: '', usage })
    const before = edge.said.length
    edge.drop()
    await settle(5)
    expect(edge.said.slice(before).filter((message) => 'ask' in message && message.ask === accepted.ask)).toEqual([])
    await session.close()
  })

  test('[AS4] what the edge says of a cancelled ask is its outcome', async () => {
    const edge = willing()
    const session = edge.open()
    await session.ready
    const answer = session.ask('where?')
    await settle(2)
    answer.cancel()
    await settle(2)
    edge.emit({ type: 'answer-ended', ask: answer.ask, finish: 'cancelled', text: 'the d', usage })
    expect(await answer).toMatchObject({ finish: 'cancelled', text: 'the d' })
    await session.close()
  })

  test('an edge that does not answer a cancel is waited for three seconds', async () => {
    const edge = willing()
    const session = edge.open()
    await session.ready
    session.openStream()
    const watch = session.watch('dog')
    const answer = session.ask('where?')
    await settle(2)
    vi.useFakeTimers()
    let outcome = ''
    answer.then(
      () => (outcome = 'answered'),
      (error: unknown) => (outcome = error instanceof ProtocolError ? error.code : 'failed'),
    )
    answer.cancel()
    watch.stop()
    await vi.advanceTimersByTimeAsync(2900)
    expect(outcome).toBe('')
    await vi.advanceTimersByTimeAsync(200)
    expect(outcome).toBe('cancelled')
    const closing = session.close()
    await vi.advanceTimersByTimeAsync(3000)
    await closing
  })

  test('one signal for many asks carries nothing of those that have ended', async () => {
    const edge = new FakeEdge()
    edge.onMessage = (message) => message.type === 'ask-start' && edge.emit({ type: 'answer-ended', ask: message.ask, finish: 'stop', text: '', usage })
    const session = edge.open()
    const { signal } = new AbortController()
    for (let count = 0; count < 20; count++) await session.ask('what?', { signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    await session.close()
  })
})

describe('[EV2] a session-reset', () => {
  test('ends what the edge no longer has, and says what it has not heard of', async () => {
    const edge = willing()
    const session = edge.open()
    await session.ready
    const stream = session.openStream()
    const watch = session.watch('cup')
    const ask = session.ask('where?')
    const track = await session.follow({ query: 'cup' })
    await watch.started
    const [looks, moves] = [watch[Symbol.asyncIterator]().next(), track[Symbol.asyncIterator]().next()]
    edge.onMessage = () => {}
    const unheard = session.ask('what?')
    edge.say({ type: 'session-reset', seq: 100, state: EMPTY })
    for (const lost of [looks, moves, ask, stream.put(picture())]) await expect(lost).rejects.toMatchObject({ code: 'not-found', details: { retryable: true } })
    edge.emit({ type: 'answer-ended', ask: unheard.ask, finish: 'stop', text: 'yes', usage })
    while (edge.log.length < 101) edge.emit({ type: 'answer-ended', ask: unheard.ask, finish: 'stop', text: 'yes', usage })
    expect(await unheard).toMatchObject({ text: 'yes' })
    await session.close()
  })

  test('lets go on what it names, also where the event that it began with is lost', async () => {
    const edge = new FakeEdge()
    const session = edge.open()
    await session.ready
    const stream = session.openStream()
    const ask = session.ask('where?')
    const following = session.follow({ query: 'cup' }, { id: 'cup' })
    await settle(2)
    edge.say({
      type: 'session-reset',
      seq: edge.log.length,
      state: {
        ...EMPTY,
        streams: [{ stream: stream.stream, policy: 'latest' }],
        tracks: [{ track: 'cup', stream: stream.stream, prompt: { query: 'cup' }, life: 'confirmed' }],
        asks: [{ ask: ask.ask, text: 'where?', answer: '', evidence: [], ended: false }],
      },
    })
    expect((await following).track).toBe('cup')
    edge.emit({ type: 'answer-ended', ask: ask.ask, finish: 'stop', text: 'there', usage })
    expect(await ask).toMatchObject({ text: 'there' })
    await stream.put(picture())
    expect(stream.counts.sent).toBe(1)
    await session.close()
  })
})

test('a listener that throws takes nothing from the session, and its error surfaces', async () => {
  const edge = new FakeEdge()
  edge.onMessage = (message) => message.type === 'ask-start' && edge.emit({ type: 'answer-ended', ask: message.ask, finish: 'stop', text: 'yes', usage })
  const session = edge.open()
  await session.ready
  const surfaced: unknown[] = []
  const soon = queueMicrotask
  vi.stubGlobal('queueMicrotask', (run: () => void) =>
    soon(() => {
      try {
        run()
      } catch (error) {
        surfaced.push(error)
      }
    }),
  )
  const heard: string[] = []
  session.on('message', () => {
    throw new Error('of the page')
  })
  session.on('message', ({ type }) => heard.push(type))
  expect(await session.ask('what?')).toMatchObject({ text: 'yes' })
  await session.close()
  expect(heard).toEqual(['answer-ended', 'session-ended'])
  expect(surfaced.map(String)).toEqual(['Error: of the page', 'Error: of the page'])
})
