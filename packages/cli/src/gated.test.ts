import type { Frame, FrameSource } from '@fovea/sdk'
import { expect, test } from 'vitest'
import { Gate, gated } from './gated.ts'

const recording: FrameSource = {
  policy: 'all',
  async *frames(): AsyncGenerator<Frame> {
    for (let mediaTime = 0; mediaTime < 600; mediaTime += 100) yield { data: new Uint8Array(1), codec: 'jpeg', width: 1, height: 1, mediaTime }
  },
}

test('a recording flows through its lead-in, then waits for the gate', async () => {
  const gate = new Gate()
  const seen: number[] = []
  const source = gated(recording, gate, { leadMs: 200 })
  const reading = (async () => {
    for await (const { mediaTime } of source.frames({ modelSize: () => undefined, room: async () => {}, signal: new AbortController().signal }))
      seen.push(mediaTime)
  })()
  await gate.led
  expect(seen).toEqual([0, 100, 200])
  gate.set(true)
  await reading
  expect(seen).toEqual([0, 100, 200, 300, 400, 500])
})

test('a recording shorter than its lead-in has led when it is over', async () => {
  const gate = new Gate()
  const times: number[] = []
  const context = { modelSize: () => undefined, room: async () => {}, signal: new AbortController().signal }
  for await (const { mediaTime } of gated(recording, gate, { leadMs: 1000 }).frames(context)) times.push(mediaTime)
  await gate.led
  expect(times).toHaveLength(6)
})
