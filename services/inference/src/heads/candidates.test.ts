import type { Box } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { Graph } from '../model/graph.ts'
import { floats } from '../model/tensor.ts'
import { boxOf, choose, decoded, type Decoded } from './candidates.ts'

const rules = { weight: 0.5, settle: 1, iou: 0, object: 0, overlap: 0 }
/** A column of a 4 × 4 outline. */
const column = (x: number): Float32Array => Float32Array.from({ length: 16 }, (_, index) => (index % 4 === x ? 3 : -3))
const two: Decoded = {
  object: 1,
  shape: [4, 4],
  candidates: [
    { logits: column(0), iou: 0.6 },
    { logits: column(3), iou: 0.7 },
  ],
}

test('the outline that thinks best of itself is taken', () => {
  expect(choose(two, undefined, undefined).iou).toBe(0.7)
  expect(choose(two, undefined, rules).iou).toBe(0.7)
})

test('where the motion is known, the outline that lies on its way is taken', () => {
  const left: Box = [0, 0, 0.25, 1]
  expect(choose(two, left, rules).iou).toBe(0.6)
  expect(choose(two, left, undefined).iou).toBe(0.7)
})

test('a candidate that a prompt does not offer is no candidate', async () => {
  const runner = {
    inputs: [],
    outputs: ['mask', 'iou', 'object', 'pointer'].map((name) => ({ name, type: 'float32', dims: [] })),
    run: async () => results,
    close: async () => {},
  }
  const results = {
    mask: floats(Float32Array.from([...column(0), ...column(1), ...column(2), ...column(3)]), [2, 2, 4, 4]),
    iou: floats(Float32Array.of(0.9, -1, -1, 0.2), [2, 2]),
    object: floats(Float32Array.of(0.8, 0.4), [2]),
    pointer: floats(Float32Array.of(1, 2, 3, 4), [2, 2, 1]),
  }
  const graph = new Graph(
    'mask.decode',
    { file: 'decode.onnx', inputs: {}, outputs: { mask: 'mask', iou: 'iou', object: 'object', pointer: 'pointer' } },
    runner,
  )
  const rows = decoded(await graph.run({}), graph, 2)
  expect(rows.map(({ candidates }) => candidates.map(({ logits, pointer }) => [boxOf(logits, [4, 4])?.[0], pointer?.[0]]))).toEqual([[[0, 1]], [[0.75, 4]]])
})
