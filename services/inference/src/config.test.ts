import { expect, test } from 'vitest'
import { readConfig, readMemory } from './config.ts'

const needed = { FOVEA_EDGE_URL: 'http://localhost:8787', FOVEA_BACKEND_KEY: 'k' }
const MEGABYTE = 1024 * 1024

test('memory is what is said, or what the machine has; prompts go in by 256 positions', () => {
  expect(readConfig({ ...needed, FOVEA_MEMORY_MB: '2000', FOVEA_PREFILL_CHUNK: '64' })).toMatchObject({ memory: 2000 * MEGABYTE, prefillChunk: 64 })
  const config = readConfig(needed)
  expect(config.memory).toBeGreaterThan(512 * MEGABYTE)
  expect([config.prefillChunk, config.kept]).toEqual([256, config.capacity * config.engine.ringBytes])
})

test('every variable that is wrong is named with what came', () => {
  expect(() => readConfig({ ...needed, FOVEA_MEMORY_MB: 'much', FOVEA_PREFILL_CHUNK: '0' })).toThrow(
    /FOVEA_PREFILL_CHUNK.*"0" came[\s\S]*FOVEA_MEMORY_MB.*"much" came/,
  )
})

test('memory is reckoned with the same shares whoever asks: the service, or who looks into a bundle without a session', () => {
  const set = { FOVEA_CAPACITY: '2', FOVEA_RING_MB: '10', FOVEA_SLOTS: '3', FOVEA_BATCH_FRAMES: '4', FOVEA_PROVIDERS: 'cuda,cpu', FOVEA_MEMORY_MB: '900' }
  expect(readMemory(set)).toEqual({ shares: { slots: 3, chunk: 256, batch: 4, kept: 20 * MEGABYTE, provider: 'cuda' }, budget: 900 * MEGABYTE })
  const config = readConfig({ ...needed, ...set })
  expect([config.kept, config.memory, config.engine.batch.frames]).toEqual([20 * MEGABYTE, 900 * MEGABYTE, 4])
})
