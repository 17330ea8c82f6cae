import { expect, test } from 'vitest'
import { ObjectMemory } from './object-memory.ts'

const seen = (value: number) => ({ tokens: Float32Array.of(value), pointer: Float32Array.of(-value) })

test('prompted frames come first, then the last few, newest first; pointers reach further back', () => {
  const memory = new ObjectMemory({ prompted: 1, recent: 2, pointers: 3 })
  for (let frame = 0; frame < 6; frame++) {
    memory.add(seen(frame), frame === 0)
    memory.tick()
  }
  expect(memory.entries().map(({ tokens, age, prompted }) => [tokens[0], age, prompted])).toEqual([
    [0, 6, true],
    [5, 1, false],
    [4, 2, false],
  ])
  expect(memory.pointers().map(({ pointer, age }) => [pointer[0], age])).toEqual([
    [-0, 6],
    [-5, 1],
    [-4, 2],
    [-3, 3],
  ])
})

test('where only trusted frames are remembered, their age is their turn', () => {
  const memory = new ObjectMemory({ prompted: 1, recent: 2, pointers: 2, motion: { weight: 0.2, settle: 3, iou: 0.5, object: 0.5, overlap: 0.2 } })
  for (let frame = 0; frame < 6; frame++) {
    if (frame % 2 === 0) memory.add(seen(frame), frame === 0)
    memory.tick()
  }
  expect(memory.entries().map(({ tokens, age }) => [tokens[0], age])).toEqual([
    [0, 6],
    [4, 1],
    [2, 2],
  ])
  expect(memory.pointers().map(({ age }) => age)).toEqual([6, 2, 4])
})

test('tokens kept in bfloat16 take half the room', () => {
  const memory = new ObjectMemory({ prompted: 1, recent: 1, stored: 'bfloat16' })
  memory.add({ tokens: Float32Array.of(1 + 2 ** -9, 0.5) }, true)
  expect(memory.entries()[0]?.tokens).toEqual(Uint16Array.of(0x3f80, 0x3f00))
})

test('what is remembered is a copy', () => {
  const memory = new ObjectMemory({ prompted: 1, recent: 1 })
  const tokens = Float32Array.of(1, 2)
  memory.add({ tokens }, true)
  tokens.fill(0)
  expect(memory.entries()[0]?.tokens).toEqual(Float32Array.of(1, 2))
})
