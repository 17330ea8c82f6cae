import { CLOSE, DEFAULT_LIMITS, encodeVerdict } from '@fovea/protocol'
import type { ClientMessage } from '@fovea/protocol'
import { expect, test } from 'vitest'
import type { SessionStore } from '../src/store/session-store.ts'
import { closeQuietly } from '../src/session/socket.ts'
import { Workflows } from '../src/session/workflows.ts'
import { FakeSession, SMALL, withStore } from './fake-session.ts'
import type { FakeSocket } from './fake-session.ts'

const HELLO: ClientMessage = { type: 'session-resume', lastSeq: 0, streams: [] }
const OPEN = { type: 'stream-open', stream: 0, policy: 'latest' } as const
const USAGE = { promptTokens: 1, answerTokens: 1, heads: 0, deviceMs: 1, totalMs: 1 }

function started(store: SessionStore, limits = DEFAULT_LIMITS): { fake: FakeSession; owner: FakeSocket; backend: FakeSocket } {
  const fake = new FakeSession(store, { limits })
  const owner = fake.owner()
  fake.say(owner, HELLO)
  fake.say(owner, OPEN)
  return { fake, owner, backend: fake.backend() }
}

/** The same store, of which every write fails while `broken` says so. */
function fragile(store: SessionStore): { store: SessionStore; broken: { now: boolean } } {
  const broken = { now: false }
  const proxy = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (broken.now && /^(atomically|add|save|set|clear|end|use)/.test(String(name))) throw new Error('disk I/O error')
        return Reflect.apply(value, target, args)
      }
    },
  })
  return { store: proxy, broken }
}

const types = (socket: FakeSocket) => socket.texts.map((message) => message.type)
const seqs = (socket: FakeSocket) => socket.texts.flatMap((message) => ('at' in message && 'seq' in message ? [message.seq] : []))

test('[EV4] a log at its cap drops its oldest events; a reader who needs them gets the state instead', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real, { ...SMALL, asks: 4 })
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    for (let index = 0; index < 100; index++) fake.session.message(backend, JSON.stringify({ type: 'answer-delta', ask: 'a1', text: `word ${index} ` }))
    expect(fake.session.log.bytes).toBeLessThanOrEqual(SMALL.logBytes)
    expect(real.logExtent().bytes).toBe(fake.session.log.bytes)
    const again = fake.owner()
    expect(owner.closedWith).toBe(CLOSE.replaced)
    fake.say(again, { type: 'session-resume', lastSeq: 3, streams: [] })
    const reset = again.texts.find((message) => message.type === 'session-reset')
    expect(reset).toMatchObject({ seq: fake.session.log.last, state: { streams: [{ stream: 0 }], asks: [{ ask: 'a1', ended: false }] } })
    expect(reset?.state.asks[0]?.answer).toMatch(/^word 0 .*word 99 $/)
    fake.session.message(backend, JSON.stringify({ type: 'answer-ended', ask: 'a1', finish: 'stop', text: 'x', usage: USAGE }))
    expect(seqs(again)).toEqual([reset?.seq, (reset?.seq ?? 0) + 1].slice(1))
  })
})

test('[EV4] events older than the log may be are trimmed, but for the newest, and numbers go on after an eviction', async () => {
  await withStore((real) => {
    const { fake, owner } = started(real, { ...SMALL, logAgeMs: 10_000 })
    const { last } = fake.session.log
    fake.pass(20_000)
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    fake.pass(4000)
    expect(real.logExtent().first).toBeGreaterThan(last)
    fake.pass(60_000)
    const newest = fake.session.log.last
    fake.evict()
    expect(real.logExtent()).toMatchObject({ last: newest })
    fake.say(owner, { type: 'stream-close', stream: 0 })
    expect(fake.session.log.last).toBe(newest + 1)
    expect([fake.session.log.reaches(newest), fake.session.log.reaches(0)]).toEqual([true, false])
  })
})

test('[EV4] an event above 256 KB is left out and said; the session goes on', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real)
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    fake.session.message(backend, JSON.stringify({ type: 'answer-delta', ask: 'a1', text: 'x'.repeat(300_000) }))
    expect(owner.texts.at(-1)).toMatchObject({ type: 'error', code: 'too-large' })
    fake.session.message(backend, JSON.stringify({ type: 'answer-ended', ask: 'a1', finish: 'stop', text: 'x', usage: USAGE }))
    expect(types(owner).at(-1)).toBe('answer-ended')
  })
})

test('[AS3] [EV4] an end whose error has more words than an event holds is cut, not left out', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real)
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    const error = { code: 'internal', message: 'm'.repeat(300_000), got: 'g'.repeat(300_000), retryable: false }
    fake.session.message(backend, JSON.stringify({ type: 'answer-ended', ask: 'a1', finish: 'error', text: '', usage: USAGE, error }))
    expect(owner.texts.at(-1)).toMatchObject({ type: 'answer-ended', ask: 'a1', error: { code: 'internal', message: 'm'.repeat(500) } })
    expect(real.ask('a1')?.outcome).toMatchObject({ finish: 'error' })
  })
})

test('a store that throws: a request is refused and can be repeated', async () => {
  await withStore((real) => {
    const { store, broken } = fragile(real)
    const { fake, owner } = started(store)
    broken.now = true
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    expect(owner.texts.at(-1)).toMatchObject({ type: 'error', code: 'internal', retryable: true, of: 'a1' })
    expect(JSON.stringify(owner.texts.at(-1))).not.toContain('disk')
    broken.now = false
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    expect(types(owner).at(-1)).toBe('ask-accepted')
  })
})

test('[EV1] an ask is on its way before it is written; where it cannot be written the backend is told to stop', async () => {
  await withStore((real) => {
    const { store, broken } = fragile(real)
    const { fake, owner, backend } = started(store)
    const asked = () => backend.orders.flatMap(({ type }) => (type.startsWith('ask-') ? [type] : []))
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    expect(asked()).toEqual(['ask-start'])
    expect(real.ask('a1')).toMatchObject({ sent: true })
    broken.now = true
    fake.say(owner, { type: 'ask-start', ask: 'a2', text: 'and now?' })
    expect(asked()).toEqual(['ask-start', 'ask-start', 'ask-cancel'])
    expect(owner.texts.at(-1)).toMatchObject({ type: 'error', of: 'a2', code: 'internal' })
    broken.now = false
    fake.session.message(backend, JSON.stringify({ type: 'answer-ended', ask: 'a2', finish: 'cancelled', text: '', usage: USAGE }))
    expect(fake.session.asks.has('a2')).toBe(false)
    expect(fake.session.asks.running).toBe(1)
  })
})

test('what a backend says at one moment is one message, heard in order; what of it is not known is left out', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real)
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    const said = [
      { type: 'answer-delta', ask: 'a1', text: 'A cup.' },
      { type: 'answer-hummed', ask: 'a1' },
      { type: 'answer-ended', ask: 'a1', finish: 'stop', text: 'A cup.', usage: USAGE },
    ]
    fake.session.message(backend, JSON.stringify(said))
    expect(types(owner).slice(-3)).toEqual(['ask-accepted', 'answer-delta', 'answer-ended'])
    expect(fake.session.asks.result('a1')).toMatchObject({ text: 'A cup.', finish: 'stop' })
  })
})

test('a store that throws: what a backend has said is kept and written in order, nothing lost', async () => {
  await withStore((real) => {
    const { store, broken } = fragile(real)
    const { fake, owner, backend } = started(store)
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    broken.now = true
    for (const text of ['I ', 'see ']) fake.session.message(backend, JSON.stringify({ type: 'answer-delta', ask: 'a1', text }))
    fake.frame(owner, 1, 0)
    expect(backend.frames).toHaveLength(1)
    expect(types(owner)).not.toContain('answer-delta')
    broken.now = false
    fake.session.message(backend, JSON.stringify({ type: 'answer-delta', ask: 'a1', text: 'it.' }))
    expect(owner.texts.flatMap((message) => (message.type === 'answer-delta' ? [message.text] : []))).toEqual(['I ', 'see ', 'it.'])
    expect(seqs(owner)).toEqual(seqs(owner).map((_, index) => index + 1))
    expect(store.ask('a1')?.text).toBe('I see it.')
  })
})

test('[WI5] ten seconds without session-resume close 4010', async () => {
  await withStore((real) => {
    const fake = new FakeSession(real)
    const owner = fake.owner()
    fake.pass(9000)
    expect(owner.closedWith).toBeUndefined()
    fake.pass(1500)
    expect(owner.closedWith).toBe(CLOSE.protocol)
  })
})

test('[SE5] frames cost no storage write but the one alarm row in three seconds', async () => {
  await withStore((real) => {
    const writes: string[] = []
    const counting = new Proxy(real, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (/^(atomically|add|save|set|clear|end|use|remove)/.test(String(name))) writes.push(String(name))
          return Reflect.apply(value, target, args)
        }
      },
    })
    const { fake, owner, backend } = started(counting)
    writes.length = 0
    const { epoch } = fake.session.row
    for (let number = 1; number <= 60; number++) {
      fake.time += 33
      fake.frame(owner, number, number - 1)
      fake.session.message(backend, encodeVerdict({ outcome: 'seen', stream: 0, frame: number, epoch }, '{"type":"frame-seen"}').buffer)
    }
    expect(writes).toEqual(['setDeadline'])
  })
})

test('a backend that says nothing while something is pending is lost after eight seconds', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real)
    fake.frame(owner, 1, 0)
    fake.pass(12_000)
    expect(backend.closedWith).toBe(CLOSE.fenced)
    expect(owner.texts.find((message) => message.type === 'frames-settled')).toMatchObject({ ranges: [{ from: 1, to: 1, reason: 'unavailable' }] })
    expect(fake.session.state).toBe('attaching')
    expect(fake.leases).toHaveLength(2)
  })
})

test('without a client for a minute the backend is given back; the returning owner gets another', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real)
    fake.say(owner, { type: 'watch-start', watch: 'w1', stream: 0, query: 'cup', task: 'region' })
    fake.close(owner)
    fake.pass(59_000)
    expect([fake.session.state, backend.closedWith]).toEqual(['paused', undefined])
    fake.pass(2000)
    expect([fake.session.state, backend.closedWith]).toEqual(['idle', CLOSE.normal])
    const again = fake.owner()
    fake.say(again, { type: 'session-resume', lastSeq: 0, streams: [] })
    expect(fake.session.state).toBe('attaching')
    expect(again.texts.find((message) => message.type === 'watch-stopped')).toMatchObject({ watch: 'w1', because: 'no client for a minute' })
  })
})

test('[FR2] a lowered window binds only what is numbered after it was read', async () => {
  await withStore((real) => {
    const { fake, owner } = started(real, { ...DEFAULT_LIMITS, maxFps: 240 })
    fake.session.streams.setWindow(1)
    fake.frame(owner, 1, 0)
    fake.frame(owner, 2, 0)
    expect(types(owner)).not.toContain('frame-dropped')
    const backend = fake.sockets[1]
    const { epoch } = fake.session.row
    for (const number of [1, 2])
      if (backend) fake.session.message(backend, encodeVerdict({ outcome: 'seen', stream: 0, frame: number, epoch }, '{"type":"frame-seen"}').buffer)
    fake.frame(owner, 3, 1)
    expect(owner.texts.at(-1)).toMatchObject({ type: 'frame-dropped', frame: 3, reason: 'budget' })
  })
})

test('limits: streams, watches, tracks, asks at once and a minute, each refused with what is allowed', async () => {
  await withStore((real) => {
    const { fake, owner } = started(real, SMALL)
    const last = () => owner.texts.at(-1)
    fake.say(owner, { ...OPEN, stream: 1 })
    fake.say(owner, { ...OPEN, stream: 2 })
    expect(last()).toMatchObject({ code: 'too-many', expected: 2 })
    for (const watch of ['w1', 'w2', 'w3']) fake.say(owner, { type: 'watch-start', watch, stream: 0, query: 'cup', task: 'region' })
    expect(last()).toMatchObject({ code: 'too-many', of: 'w3' })
    for (const track of ['t1', 't2', 't3']) fake.say(owner, { type: 'track-start', track, stream: 0, prompt: { query: 'cup' } })
    expect(last()).toMatchObject({ code: 'too-many', of: 't3' })
    for (const ask of ['a1', 'a2', 'a3']) fake.say(owner, { type: 'ask-start', ask, text: 'what?' })
    expect(last()).toMatchObject({ code: 'too-many', of: 'a3', retryable: true })
    fake.say(owner, { type: 'ask-start', ask: 'a4', text: 'x'.repeat(101) })
    expect(last()).toMatchObject({ code: 'too-large', of: 'a4' })
    fake.say(owner, { type: 'track-stop', track: 't1' })
    fake.say(owner, { type: 'track-start', track: 't1', stream: 0, prompt: { query: 'cup' } })
    expect(last()).toMatchObject({ code: 'id-taken', of: 't1' })
    fake.say(owner, { type: 'stream-close', stream: 1 })
    fake.say(owner, { ...OPEN, stream: 1 })
    expect(last()).toMatchObject({ code: 'id-taken', expected: 2 })
  })
})

test('[EV4] a session that nobody comes to any more ends, and forgets its events as they grow old', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real, { ...SMALL, logAgeMs: 3_600_000 })
    fake.say(owner, { type: 'ask-start', ask: 'a1', text: 'what?' })
    fake.session.message(backend, JSON.stringify({ type: 'answer-ended', ask: 'a1', finish: 'stop', text: 'x', usage: USAGE }))
    fake.close(owner)
    fake.pass(3_000_000)
    expect(fake.session.state).toBe('idle')
    const again = fake.owner()
    fake.say(again, HELLO)
    fake.pass(3_000_000)
    fake.close(again)
    fake.pass(3_000_000)
    expect(fake.session.state).not.toBe('ended')
    fake.pass(1_000_000)
    expect(fake.session.state).toBe('ended')
    expect(real.endedAsks(10)).toHaveLength(1)
    fake.pass(3_700_000)
    expect(real.eventsAfter(0, 100)).toHaveLength(1)
    expect(real.endedAsks(10)).toEqual([])
  })
})

test('[FR5] a held frame that is to be kept goes to the backend beside the newest one', async () => {
  await withStore((real) => {
    const fake = new FakeSession(real)
    const owner = fake.owner()
    fake.say(owner, HELLO)
    fake.say(owner, OPEN)
    fake.frame(owner, 1, 0, { keep: true })
    fake.frame(owner, 2, 0)
    expect(fake.backend().frames).toHaveLength(2)
    expect(types(owner)).not.toContain('frames-settled')
  })
})

test('[WI2] frames that are under way when their stream closes cost their sender no bad marks', async () => {
  await withStore((real) => {
    const fake = new FakeSession(real)
    const owner = fake.owner()
    fake.say(owner, HELLO)
    for (let stream = 0; stream < 11; stream++) {
      fake.say(owner, { ...OPEN, stream })
      fake.say(owner, { type: 'stream-close', stream })
      for (const number of [1, 2]) fake.frame(owner, number, 0, { stream })
    }
    expect([owner.closedWith, types(owner).includes('error')]).toEqual([undefined, false])
    fake.frame(owner, 1, 0, { stream: 99 })
    expect(owner.texts.at(-1)).toMatchObject({ type: 'error', code: 'invalid-message' })
  })
})

test('what the newest frame of a stream showed goes with the stream', async () => {
  await withStore((real) => {
    const { fake, owner, backend } = started(real)
    fake.frame(owner, 1, 0)
    const seen = {
      type: 'frame-seen',
      stream: 0,
      frame: 1,
      mediaTime: 33,
      receivedAt: 1,
      timings: { queue: 0, decode: 0, encode: 0, heads: 0 },
      perceptions: [{ watch: 'w1', task: 'region', score: 0.5 }],
    }
    fake.session.message(backend, encodeVerdict({ outcome: 'seen', stream: 0, frame: 1, epoch: 1 }, JSON.stringify(seen)).buffer)
    expect(fake.session.frames.perceptions(0)).toMatchObject([{ watch: 'w1' }])
    fake.say(owner, { type: 'stream-close', stream: 0 })
    expect(fake.session.frames.perceptions(0)).toEqual([])
  })
})

test('[EP5] an owner that was let go and has not answered the close does not come back after an eviction; its counters stay', async () => {
  await withStore((real) => {
    const { fake, owner } = started(real, { ...DEFAULT_LIMITS, maxFps: 240 })
    for (let number = 1; number <= 60; number++) fake.frame(owner, number, 0)
    expect([owner.closedWith, fake.session.state]).toEqual([CLOSE.rate, 'paused'])
    const { sent } = fake.session.streams.open.get(0)?.gate.counters ?? {}
    fake.evict({ unanswered: [owner] })
    expect(fake.session.clients.owner).toBeUndefined()
    expect(fake.session.streams.open.get(0)?.gate.counters.sent).toBe(sent)
    const again = fake.owner()
    expect(again.texts[0]).toMatchObject({ type: 'session-ready', streams: [{ sent }] })
  })
})

test('[SE2] an owner that was replaced and has not answered the close keeps no backend', async () => {
  await withStore((real) => {
    const { fake, backend } = started(real)
    const second = fake.owner()
    fake.say(second, HELLO)
    fake.close(second)
    fake.pass(61_000)
    expect([fake.session.state, backend.closedWith]).toEqual(['idle', CLOSE.normal])
  })
})

test('a socket is closed whatever the reason holds: a reason of more than 123 bytes would not close it', async () => {
  const { 0: client, 1: server } = new WebSocketPair()
  for (const end of [client, server]) end.accept()
  const closed = new Promise((resolve) => client.addEventListener('close', ({ code, reason }) => resolve([code, reason])))
  closeQuietly(server, CLOSE.normal, '…'.repeat(60))
  expect(await closed).toEqual([CLOSE.normal, '…'.repeat(40)])
})

test('[EV4] what is kept of runs, watches and tracks that are over is bounded, and nothing of it outlives the log', () =>
  withStore(async (real) => {
    const fake = new FakeSession(real, { limits: { ...SMALL, logAgeMs: 3_600_000 }, runs: [(host) => new Workflows(host)] })
    const owner = fake.owner()
    fake.say(owner, HELLO)
    fake.say(owner, OPEN)
    fake.backend()
    const graph = { name: 'told', version: 1 as const, start: 's', steps: [{ kind: 'event' as const, id: 's', name: 'x', data: {} }] }
    fake.say(owner, { type: 'workflow-start', run: 'early', graph })
    await expect.poll(() => real.endedRuns(10).length).toBe(1)
    fake.say(owner, { type: 'watch-start', watch: 'w1', stream: 0, query: 'cup', task: 'region' })
    fake.say(owner, { type: 'watch-stop', watch: 'w1' })
    fake.say(owner, { type: 'track-start', track: 't1', stream: 0, prompt: { mask: { size: [10, 10], counts: 'z'.repeat(3000) }, frame: 1 } })
    fake.say(owner, { type: 'track-stop', track: 't1' })
    expect([real.watches(), real.tracks(), real.endedTracks()]).toEqual([[], [], ['t1']])
    fake.evict()
    fake.say(owner, { type: 'track-start', track: 't1', stream: 0, prompt: { query: 'cup' } })
    expect(owner.texts.at(-1)).toMatchObject({ code: 'id-taken', of: 't1' })
    fake.pass(3_700_000)
    fake.say(owner, { type: 'workflow-start', run: 'late', graph })
    await expect.poll(() => real.run('late')?.outcome).toMatchObject({ finish: 'stop' })
    fake.frame(owner, 1, 0)
    fake.pass(4000)
    expect(real.endedRuns(10).map(({ id }) => id)).toEqual(['late'])
    fake.say(owner, { type: 'session-end' })
    fake.pass(3_700_000)
    expect([real.endedRuns(10), real.endedTracks(), real.streams(), real.eventsAfter(0, 10).length]).toEqual([[], [], [], 1])
    expect(real.session()).toMatchObject({ phase: 'ended' })
  }))
