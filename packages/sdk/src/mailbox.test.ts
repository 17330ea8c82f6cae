import { readFrameHeader } from '@fovea/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Frame } from './frame-source.ts'
import { Mailbox } from './mailbox.ts'

function picture(mediaTime: number): Frame {
  return { data: new Uint8Array([1, 2, 3]), codec: 'jpeg', width: 4, height: 4, mediaTime }
}

function open(policy: 'latest' | 'all', { window = 2, mediaTime }: { window?: number; mediaTime?: number } = {}) {
  const sent: { number: number; mediaTime: number; verdictsRead: number }[] = []
  const later: (() => void)[] = []
  const wire = { up: true }
  const clock = { now: 0 }
  const mailbox = new Mailbox({
    stream: 1,
    policy,
    mediaTime,
    now: () => clock.now,
    canSend: () => wire.up,
    after: (_ms, run) => void later.push(run),
    send: (bytes) => {
      if (!wire.up) return false
      const header = readFrameHeader(bytes)
      if ('problem' in header) throw new Error(header.problem)
      sent.push({ number: header.frame, mediaTime: header.mediaTime, verdictsRead: header.verdictsRead })
      return true
    },
  })
  mailbox.setWindow(window)
  return { mailbox, sent, wire, clock, wait: () => later.splice(0).forEach((run) => run()) }
}

describe('latest', () => {
  test('[FR3] the newest picture replaces one not yet sent, and takes no number', () => {
    const { mailbox, sent } = open('latest')
    for (let time = 0; time < 6; time++) void mailbox.put(picture(time))
    expect(sent.map(({ mediaTime }) => mediaTime)).toEqual([0, 1])
    mailbox.settle(1, 'seen')
    expect(sent.at(-1)).toEqual({ number: 3, mediaTime: 5, verdictsRead: 1 })
    expect(mailbox.counts).toMatchObject({ sent: 3, replaced: 3 })
  })

  test('[FR1] numbers are given at send, from 1, consecutive', () => {
    const { mailbox, sent } = open('latest')
    for (let time = 0; time < 9; time++) {
      void mailbox.put(picture(time))
      mailbox.settle(sent.length, 'seen')
    }
    expect(sent.map(({ number }) => number)).toEqual(sent.map((_, index) => index + 1))
  })

  test('[FR2] window 0 means wait; a number is never settled twice', () => {
    const { mailbox, sent } = open('latest', { window: 0 })
    void mailbox.put(picture(0))
    expect(sent).toEqual([])
    mailbox.setWindow(1)
    expect(sent).toHaveLength(1)
    expect(mailbox.settle(1, 'seen')).toBeDefined()
    expect(mailbox.settle(1, 'seen')).toBeUndefined()
    expect(mailbox.counts.seen).toBe(1)
  })

  test('[FR3] while the link is down one picture waits, the newest', () => {
    const { mailbox, sent, wire } = open('latest')
    wire.up = false
    for (let time = 0; time < 100; time++) void mailbox.put(picture(time))
    wire.up = true
    mailbox.pump()
    expect(sent).toEqual([{ number: 1, mediaTime: 99, verdictsRead: 0 }])
  })

  test('a camera waits for room, then captures', async () => {
    const { mailbox } = open('latest', { window: 1 })
    void mailbox.put(picture(0))
    let room = false
    void mailbox.room().then(() => (room = true))
    await Promise.resolve()
    expect(room).toBe(false)
    mailbox.settle(1, 'dropped', 'stale')
    await Promise.resolve()
    expect(room).toBe(true)
  })
})

test('[FR3] a camera that waits while the link is down captures when it is back, not before', async () => {
  const { mailbox, wire } = open('latest')
  wire.up = false
  let room = false
  void mailbox.room().then(() => (room = true))
  mailbox.setWindow(3)
  await Promise.resolve()
  expect(room).toBe(false)
  wire.up = true
  mailbox.pump()
  await Promise.resolve()
  expect(room).toBe(true)
})

describe('a stream that is taken up again', () => {
  test('goes on in media time by the time that went by', () => {
    const { mailbox, sent, clock } = open('all', { window: 9 })
    for (const time of [0, 500]) void mailbox.put(picture(time))
    clock.now = 2000
    mailbox.goOn()
    for (const time of [0, 40]) void mailbox.put(picture(time))
    mailbox.goOn()
    for (const time of [0, 40]) void mailbox.put(picture(time))
    expect(sent.map(({ mediaTime }) => mediaTime)).toEqual([0, 500, 2500, 2540, 2541, 2581])
  })

  test('goes on where an earlier program left it', () => {
    const { mailbox, sent, clock } = open('all', { window: 9, mediaTime: 700 })
    clock.now = 100
    mailbox.goOn()
    for (const time of [0, 40]) void mailbox.put(picture(time))
    expect(sent.map(({ mediaTime }) => mediaTime)).toEqual([800, 840])
  })

  test('keeps the times of a source that has gone on by itself', () => {
    const { mailbox, sent } = open('all', { window: 9 })
    void mailbox.put(picture(500))
    mailbox.goOn()
    for (const time of [501, 600]) void mailbox.put(picture(time))
    expect(sent.map(({ mediaTime }) => mediaTime)).toEqual([500, 501, 600])
  })

  test('[FR4] sends a picture again at the time it had', () => {
    const { mailbox, sent, wait } = open('all', { window: 9 })
    void mailbox.put(picture(0))
    mailbox.goOn()
    void mailbox.put(picture(0))
    mailbox.settle(2, 'dropped', 'unavailable')
    wait()
    expect(sent.map(({ mediaTime }) => mediaTime)).toEqual([0, 1, 1])
  })
})

describe('all', () => {
  test('[FR4] the sender waits, and nothing is replaced', async () => {
    const { mailbox, sent } = open('all', { window: 1 })
    await mailbox.put(picture(0))
    let taken = false
    void mailbox.put(picture(1)).then(() => (taken = true))
    await expect(mailbox.put(picture(2))).rejects.toThrow('await `put`')
    expect(taken).toBe(false)
    mailbox.settle(1, 'seen')
    await Promise.resolve()
    expect(taken).toBe(true)
    expect(sent.map(({ mediaTime }) => mediaTime)).toEqual([0, 1])
  })

  test('[FR4] unavailable and budget go again under new numbers, after a pause; undecodable does not', async () => {
    const { mailbox, sent, wait } = open('all', { window: 4 })
    for (let time = 0; time < 3; time++) await mailbox.put(picture(time))
    mailbox.settle(1, 'dropped', 'unavailable')
    mailbox.settle(2, 'dropped', 'undecodable')
    mailbox.settle(3, 'dropped', 'budget')
    expect(sent).toHaveLength(3)
    wait()
    expect(sent.slice(3)).toEqual([
      { number: 4, mediaTime: 0, verdictsRead: 3 },
      { number: 5, mediaTime: 2, verdictsRead: 3 },
    ])
    const drained = mailbox.drained()
    mailbox.settle(4, 'seen')
    mailbox.settle(5, 'seen')
    await drained
    expect(mailbox.counts).toEqual({ sent: 5, seen: 2, dropped: 3, resent: 2, replaced: 0 })
  })

  test('a frame above the limit is refused here, with the limit', async () => {
    const { mailbox } = open('all')
    mailbox.setWindow(2, 2)
    await expect(mailbox.put(picture(0))).rejects.toMatchObject({ code: 'too-large', details: { expected: 2, got: 3 } })
  })

  test('halting sends nothing more, and what is on its way still gets its verdict', async () => {
    const { mailbox, sent } = open('all', { window: 1 })
    await mailbox.put(picture(0))
    const [waiting, drained] = [mailbox.put(picture(1)), mailbox.drained()]
    mailbox.halt(new Error('over'))
    await expect(waiting).rejects.toThrow('over')
    await expect(mailbox.put(picture(2))).rejects.toThrow('over')
    await mailbox.room()
    mailbox.settle(1, 'dropped', 'unavailable')
    await drained
    expect(sent).toHaveLength(1)
  })

  test('closing tells whoever waits', async () => {
    const { mailbox } = open('all', { window: 1 })
    await mailbox.put(picture(0))
    const drained = mailbox.drained()
    const waiting = mailbox.put(picture(1))
    mailbox.close(new Error('over'))
    await expect(waiting).rejects.toThrow('over')
    await expect(drained).rejects.toThrow('over')
    await mailbox.closed
    expect(mailbox.isOver).toBe(false)
    mailbox.settle(1, 'seen')
    expect(mailbox.isOver).toBe(true)
    await expect(mailbox.put(picture(1))).rejects.toThrow('over')
  })
})

test('[FR1] [FR2] whatever happens, numbers rise by one, the window holds, and sent = seen + dropped + unsettled', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('put' as const) }),
    fc.record({
      do: fc.constant('settle' as const),
      index: fc.nat(5),
      outcome: fc.constantFrom('seen' as const, 'dropped' as const),
      reason: fc.constantFrom('unavailable' as const, 'stale' as const),
    }),
    fc.record({ do: fc.constant('window' as const), window: fc.nat(5) }),
    fc.record({ do: fc.constant('link' as const), up: fc.boolean() }),
    fc.record({ do: fc.constant('wait' as const) }),
  )
  fc.assert(
    fc.property(fc.constantFrom('latest' as const, 'all' as const), fc.array(step, { maxLength: 60 }), (policy, steps) => {
      const { mailbox, sent, wire, wait } = open(policy)
      let window = 2
      let time = 0
      for (const one of steps) {
        const before = sent.length
        if (one.do === 'put') void mailbox.put(picture(time++)).catch(() => {})
        else if (one.do === 'window') mailbox.setWindow((window = one.window))
        else if (one.do === 'link') wire.up = one.up
        else if (one.do === 'wait') wait()
        else {
          const number = mailbox.unsettled[one.index]
          if (number !== undefined) mailbox.settle(number, one.outcome, one.outcome === 'dropped' ? one.reason : undefined)
        }
        for (const { number, verdictsRead } of sent.slice(before)) expect(number - verdictsRead).toBeLessThanOrEqual(window)
      }
      expect(sent.map(({ number }) => number)).toEqual(sent.map((_, index) => index + 1))
      const { counts, unsettled } = mailbox
      expect(counts.sent).toBe(counts.seen + counts.dropped + unsettled.length)
    }),
  )
})
