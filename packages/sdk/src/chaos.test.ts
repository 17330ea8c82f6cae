import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FakeEdge, settle } from '../test/fake-edge.ts'

const usage = { promptTokens: 1, answerTokens: 1, heads: 0, deviceMs: 1, totalMs: 1 }

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: 'put' as const }) },
  { weight: 4, arbitrary: fc.constant({ do: 'verdict' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'ask' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'delta' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'drop' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'lose frames' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'time' as const }) },
)

test('[EV2] [FR1] [AS3] whatever is lost on the way, each event is read once and in order, each number is settled once, each ask ends once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('latest' as const, 'all' as const), fc.array(step, { minLength: 5, maxLength: 40 }), async (policy, steps) => {
      const edge = new FakeEdge()
      const running: string[] = []
      const accepted = new Set<string>()
      edge.onMessage = (message) => {
        if (message.type !== 'ask-start' || accepted.has(message.ask)) return
        accepted.add(message.ask)
        running.push(message.ask)
        edge.emit({ ...message, type: 'ask-accepted' })
      }
      const session = edge.open()
      const seqs: number[] = []
      const ended = new Map<string, number>()
      session.on('message', (message) => {
        if ('at' in message) seqs.push(message.seq)
        if (message.type === 'answer-ended') ended.set(message.ask, (ended.get(message.ask) ?? 0) + 1)
      })
      const stream = session.openStream({ policy })
      const asks = []
      let time = 0
      for (const one of steps) {
        const counters = edge.streams.get(1)
        const [pending] = counters?.pending ?? []
        if (one.do === 'put') void stream.put({ data: new Uint8Array(3), codec: 'jpeg', width: 4, height: 4, mediaTime: time++ }).catch(() => {})
        else if (one.do === 'verdict' && pending !== undefined) edge.seen(1, pending)
        else if (one.do === 'ask') asks.push(session.ask('what?'))
        else if (one.do === 'delta' && running[0]) edge.emit({ type: 'answer-delta', ask: running[0], text: 'x' })
        else if (one.do === 'drop') edge.drop()
        else if (one.do === 'lose frames' && counters) {
          // The backend died with them: the next resume settles what the client still waits for.
          edge.drop()
          counters.pending.clear()
        } else if (one.do === 'time') await settle(2)
      }
      // Everything that is still open comes to its end.
      edge.onFrame = ({ stream: number, frame }) => edge.seen(number, frame)
      edge.drop()
      edge.streams.get(1)?.pending.clear()
      await settle(6)
      for (const ask of running) edge.emit({ type: 'answer-ended', ask, finish: 'stop', text: 'x', usage })
      await Promise.all(asks)
      await stream.drained()
      const { sent, seen, dropped } = stream.counts
      expect(sent).toBe(seen + dropped)
      expect(seqs).toEqual(edge.log.map(({ seq }) => seq))
      expect([...ended.values()].every((count) => count === 1)).toBe(true)
      expect(ended.size).toBe(asks.length)
      await session.close()
    }),
    { numRuns: 40, seed: 7 },
  )
}, 120_000)

const turn = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), stream: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('verdict' as const), stream: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'open' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), stream: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'ask' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'cancel' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('network' as const), up: fc.boolean() }) },
  { weight: 3, arbitrary: fc.constant({ do: 'time' as const }) },
)

test('[FR1] [AS4] [EV2] streams come and go, asks are cancelled, the network is away for a while: each number gets its verdict, each ask settles, nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 10, maxLength: 50 }), async (turns) => {
      const edge = new FakeEdge()
      const running = new Set<string>()
      edge.onMessage = (message) => {
        if (message.type === 'ask-start' && !edge.log.some((event) => 'ask' in event && event.ask === message.ask)) {
          running.add(message.ask)
          edge.emit({ type: 'ask-accepted', ask: message.ask, text: message.text })
        } else if (message.type === 'ask-cancel') {
          if (running.delete(message.ask)) edge.emit({ type: 'answer-ended', ask: message.ask, finish: 'cancelled', text: '', usage })
          else edge.say({ type: 'error', code: 'unknown-id', message: 'There is no such ask.', retryable: false, of: message.ask })
        }
      }
      const session = edge.open()
      await session.ready
      const streams = [session.openStream()]
      const open = () => streams.slice(-4)
      const asks = []
      let time = 0
      for (const one of turns) {
        const stream = 'stream' in one ? open()[one.stream] : undefined
        const [pending] = (stream && edge.streams.get(stream.stream)?.pending) ?? []
        if (one.do === 'put') void stream?.put({ data: new Uint8Array(3), codec: 'jpeg', width: 4, height: 4, mediaTime: time++ }).catch(() => {})
        else if (one.do === 'verdict' && stream && pending !== undefined) edge.seen(stream.stream, pending)
        else if (one.do === 'open') streams.push(session.openStream())
        else if (one.do === 'close') stream?.close()
        else if (one.do === 'ask') asks.push(session.ask('what?'))
        else if (one.do === 'cancel') asks.at(-1)?.cancel()
        else if (one.do === 'network') {
          edge.reachable = one.up
          if (!one.up) edge.drop()
        } else if (one.do === 'time') await settle(2)
      }
      edge.reachable = true
      for (const ask of asks) ask.cancel()
      for (const stream of streams) stream.close()
      await Promise.allSettled([...asks, ...streams.map(({ closed }) => closed)])
      await settle(20)
      for (const { counts } of streams) expect(counts.sent).toBe(counts.seen + counts.dropped)
      expect(running.size).toBe(0)
      edge.drop()
      const before = edge.said.length
      await settle(10)
      expect(edge.said.slice(before)).toMatchObject([{ type: 'session-resume', streams: [] }])
      await session.close()
    }),
    { numRuns: 40, seed: 11 },
  )
}, 120_000)
