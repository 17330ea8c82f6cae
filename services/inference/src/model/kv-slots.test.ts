import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KvSlots } from './kv-slots.ts'
import { floats, type FloatTensor } from './tensor.ts'

const SHAPE = { layers: 2, heads: 2, headDim: 3, max: 8, mode: 'append' as const }
const cacheOf = (slots: KvSlots, slot: number, role: 'kv.key.0' | 'kv.value.1'): FloatTensor => slots.feeds(slot, 1)[role] as FloatTensor
/** What an appending decoder returns: [rows, heads, size, headDim], each number telling its row, head, position and layer. */
const fresh = (rows: number, size: number, base: number) =>
  Object.fromEntries(
    ['kv.key.0', 'kv.value.0', 'kv.key.1', 'kv.value.1'].map((role, part) => [
      role,
      floats(
        Float32Array.from({ length: rows * 2 * size * 3 }, (_, at) => base + part * 0.1 + Math.floor(at / 3)),
        [rows, 2, size, 3],
      ),
    ]),
  )

test('append: new entries stand at the length of their slot, head by head, and nowhere else', () => {
  const slots = new KvSlots(SHAPE, 3)
  slots.advance(fresh(1, 2, 100), 1, [{ slot: 1, size: 2 }])
  slots.advance(fresh(1, 1, 200), 1, [{ slot: 1, size: 1 }])
  const keys = cacheOf(slots, 1, 'kv.key.0').data
  // Head 0: positions 0 and 1 of the first run, then the second run; head 1 begins at 8 positions × 3.
  expect([keys[0], keys[3], keys[6], keys[9]]).toEqual([100, 101, 200, 0])
  expect([keys[24], keys[27], keys[30], keys[33]]).toEqual([102, 103, 201, 0])
  expect(cacheOf(slots, 0, 'kv.key.0').data.every((value) => value === 0)).toBe(true)
  expect(cacheOf(slots, 2, 'kv.value.1').data.every((value) => value === 0)).toBe(true)
  expect([slots.length(0), slots.length(1), slots.room(1)]).toEqual([0, 3, 5])
})

test('a batch is a range of neighbouring slots over the same memory; rows that take no part are left alone', () => {
  const slots = new KvSlots(SHAPE, 3)
  slots.advance(fresh(3, 1, 100), 0, [
    { slot: 0, size: 1 },
    { slot: 2, size: 1 },
  ])
  expect([slots.length(0), slots.length(1), slots.length(2)]).toEqual([1, 0, 1])
  expect(cacheOf(slots, 1, 'kv.key.0').data.every((value) => value === 0)).toBe(true)
  const range = slots.feeds(0, 3)['kv.key.0']
  expect(range?.dims).toEqual([3, 2, 8, 3])
  expect(range?.type === 'float32' && range.data.buffer).toBe(cacheOf(slots, 2, 'kv.key.0').data.buffer)
})

test('in place: the graph reads and writes the same array, and the host only counts', () => {
  const slots = new KvSlots({ ...SHAPE, mode: 'inplace' }, 2)
  const [past, present] = [slots.feeds(1, 1)['kv.value.1'], slots.into(1, 1)['kv.value.1']]
  if (past?.type !== 'float32' || present?.type !== 'float32') throw new Error('Both are there.')
  present.data[5] = 42
  expect(past.data[5]).toBe(42)
  slots.advance({}, 1, [{ slot: 1, size: 4 }])
  expect(slots.length(1)).toBe(4)
  expect(new KvSlots(SHAPE, 1).into(0, 1)).toEqual({})
})

test('slots are given once, lowest first, and come back empty', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (steps) => {
      const slots = new KvSlots(SHAPE, 4)
      const held: number[] = []
      for (const take of steps) {
        if (take) {
          const slot = slots.acquire()
          expect(slot === undefined).toBe(held.length === 4)
          if (slot === undefined) continue
          expect(held).not.toContain(slot)
          expect([0, 1, 2, 3].filter((each) => each < slot).every((each) => held.includes(each))).toBe(true)
          expect(slots.length(slot)).toBe(0)
          slots.advance(fresh(1, 1, 0), slot, [{ slot, size: 1 }])
          held.push(slot)
        } else {
          const slot = held.shift()
          if (slot !== undefined) slots.release(slot)
        }
        expect(slots.free).toBe(4 - held.length)
      }
    }),
  )
})

test('halves: two bytes a number, kept as their bits, and an entry of another type is refused', () => {
  const slots = new KvSlots({ ...SHAPE, type: 'float16' }, 2)
  expect(slots.bytes * 2).toBe(new KvSlots(SHAPE, 2).bytes)
  const fed = slots.feeds(0, 2)['kv.key.1']
  expect([fed?.type, fed?.dims]).toEqual(['float16', [2, 2, 8, 3]])
  expect(() => slots.advance(fresh(1, 1, 0), 0, [{ slot: 0, size: 1 }])).toThrow(/no kv.key.0 of float16/)
})
