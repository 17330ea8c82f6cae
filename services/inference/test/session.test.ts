import { DEFAULT_LIMITS, encodeFrame, type SessionOpen } from '@fovea/protocol'
import { expect, test } from 'vitest'
import type { Device } from '../src/device.ts'
import { Metrics } from '../src/metrics.ts'
import { Session } from '../src/session.ts'
import type { ToModelThread } from '../src/thread-message.ts'

const open = (epoch: number): SessionOpen => ({
  type: 'session-open',
  session: 's_0123456789abcdef',
  epoch,
  limits: DEFAULT_LIMITS,
  streams: [{ stream: 1, policy: 'all' }],
  watches: [],
  tracks: [],
  transcript: [],
})
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const jpeg = (frame: number): Uint8Array =>
  new Uint8Array(
    encodeFrame({ stream: 1, frame, codec: 'jpeg', width: 8, height: 8, mediaTime: frame, receivedAt: 0, keep: false, verdictsRead: 0 }, new Uint8Array(4)),
  )

/** A device that only remembers what it was told; pictures are decoded when the test says so. */
function fakeDevice() {
  const posted: ToModelThread[] = []
  const waiting: (() => void)[] = []
  const released: number[] = []
  const device = {
    add() {},
    remove() {},
    post: (message: ToModelThread) => void posted.push(message),
    pictures: {
      decode: () => new Promise((resolve) => waiting.push(() => resolve({ slot: waiting.length, ms: 1 }))),
      release: (slot: number) => void released.push(slot),
    },
  } as unknown as Device
  const metrics = new Metrics({ sessions: () => 1, deviceMs: () => 5, freeFrameSlots: () => 1 })
  const session = (epoch: number): Session => new Session({ open: open(epoch), device, metrics, send() {} })
  return { posted, waiting, released, metrics, session }
}

test('[EP1] what an earlier assignment had queued does not reach the model under the new epoch', async () => {
  const { posted, waiting, released, session } = fakeDevice()
  const first = session(1)
  await tick()
  first.frame(jpeg(1))
  first.handle({ type: 'ask-start', ask: 'old', text: 'x' })
  first.handle({ type: 'watch-start', watch: 'w', stream: 1, query: 'x', task: 'region' })
  first.close()
  const second = session(2)
  await tick()
  for (const done of waiting) done()
  await tick()
  expect(posted.filter(({ type }) => type === 'ask' || type === 'watch' || type === 'frame')).toEqual([])
  expect(released).toHaveLength(1)
  expect(second.id).not.toBe(first.id)
})

test('[AS4] a running ask is stopped at once, also behind pictures that are being decoded', async () => {
  const { posted, session } = fakeDevice()
  const running = session(1)
  running.handle({ type: 'ask-start', ask: 'a', text: 'x' })
  await tick()
  running.frame(jpeg(1))
  running.handle({ type: 'ask-start', ask: 'b', text: 'x' })
  running.handle({ type: 'ask-cancel', ask: 'a' })
  running.handle({ type: 'ask-cancel', ask: 'b' })
  await tick()
  expect(posted.flatMap((message) => (message.type === 'ask-cancel' ? [message.ask] : []))).toEqual(['a'])
})

test('asks that end with their session are counted, and device time is a counter', async () => {
  const { metrics, session } = fakeDevice()
  const lost = session(1)
  lost.handle({ type: 'ask-start', ask: 'a', text: 'x' })
  lost.close()
  const told = await metrics.registry.metrics()
  expect(told).toContain('fovea_asks_total{finish="error"} 1')
  expect(told).toContain('# TYPE fovea_device_ms_total counter')
  expect(told).toContain('fovea_device_ms_total 5')
})
