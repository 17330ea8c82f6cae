import { expect, test } from 'vitest'
import { floats } from './model/tensor.ts'
import { StreamMemory } from './stream-memory.ts'

const KB = 1024
const scene = (features: number) => ({
  visual: floats(new Float32Array(KB / 4), [1, 1, KB / 4]),
  features: { 'features.s8': floats(new Float32Array(features / 4), [1, 1, 1, features / 4]) },
})
const frame = (number: number) => ({
  stream: 1,
  frame: number,
  mediaTime: number * 100,
  receivedAt: number,
  keep: false,
  width: 8,
  height: 8,
  bytes: KB,
  arrivedAt: 0,
  decodeMs: 0,
  slot: 0,
})

test('[FR8] what a stream keeps, features included, stays within its bytes', () => {
  const memory = new StreamMemory({ stream: 1, policy: 'all' }, { ringBytes: 100 * KB, featureFrames: 4 })
  for (let number = 1; number <= 60; number++) {
    memory.keep(frame(number), scene(10 * KB), undefined)
    expect(memory.ring.bytes).toBeLessThanOrEqual(100 * KB)
    expect(memory.ring.entries.filter(({ scene: kept }) => kept).length).toBe(Math.min(number, 4))
    expect(memory.ring.bytes).toBe(memory.ring.entries.reduce((sum, { bytes }) => sum + bytes, 0))
  }
  expect(memory.ring.entries.length).toBeGreaterThan(25)
})

test('[FR8] features of a large model leave room for pictures: the newest keeps its own, the others are made again', () => {
  const memory = new StreamMemory({ stream: 1, policy: 'all' }, { ringBytes: 100 * KB, featureFrames: 4 })
  for (let number = 1; number <= 30; number++) memory.keep(frame(number), scene(40 * KB), undefined)
  expect(memory.ring.entries.flatMap(({ frame: number, scene: kept }) => (kept ? [number] : []))).toEqual([30])
  expect(memory.ring.entries.length).toBeGreaterThan(20)
})
