import { expect, test } from 'vitest'
import type { Results } from './graph.ts'
import { DeviceKv } from './device-kv.ts'
import type { DeviceTensor } from './tensor.ts'

const SHAPE = { layers: 1, heads: 2, headDim: 3, max: 8, mode: 'inplace' as const }
const gone: string[] = []
const tensor = (name: string): DeviceTensor => ({ type: 'device', handle: {}, dims: [1, 2, 8, 3], dispose: () => void gone.push(name) })
const given = (name: string): Results => ({ 'kv.key.0': tensor(`${name} key`), 'kv.value.0': tensor(`${name} value`) })

test('what a run gave for a slot is fed to its next run; the one before is let go, and all of it with the slot', () => {
  const cache = new DeviceKv(SHAPE, 2)
  const slot = cache.acquire() ?? -1
  expect(cache.feeds(slot)['kv.key.0']?.type).toBe('float32')
  const first = given('first')
  cache.advance(first, slot, [{ slot, size: 5 }])
  expect(cache.feeds(slot)['kv.value.0']).toBe(first['kv.value.0'])
  expect([cache.length(slot), cache.room(slot), cache.feeds(1)['kv.key.0']?.type]).toEqual([5, 3, 'float32'])
  cache.advance(given('second'), slot, [{ slot, size: 1 }])
  expect(gone.splice(0)).toEqual(['first key', 'first value'])
  cache.release(slot)
  expect(gone).toEqual(['second key', 'second value'])
  expect(cache.feeds(slot)['kv.key.0']?.type).toBe('float32')
})
