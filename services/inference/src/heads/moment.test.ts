import { expect, test } from 'vitest'
import { Graph } from '../model/graph.ts'
import { floats } from '../model/tensor.ts'
import { momentHead } from './moment.ts'

const TIMES = [1000, 1250, 1500, 1750]

/** The spans that a graph gives, as the head serves them. */
async function served(spans: number[], scores: number[]): Promise<{ start: number; end: number }[]> {
  const results = { spans: floats(Float32Array.from(spans), [1, scores.length, 2]), scores: floats(Float32Array.from(scores), [1, scores.length]) }
  const outputs = { ...results, saliency: floats(new Float32Array(4).fill(0.5), [1, 4]), object: floats(Float32Array.of(1), [1]) }
  const ports = Object.keys(outputs).map((name) => ({ name, type: 'float32', dims: [] }))
  const roles = { spans: 'spans', scores: 'scores', saliency: 'saliency', object: 'object' } as const
  const main = new Graph(
    'moment.main',
    { file: 'moment.onnx', inputs: {}, outputs: roles },
    { inputs: [], outputs: ports, run: async () => outputs, close: async () => {} },
  )
  const head = momentHead(
    {
      task: 'moment',
      token: { trigger: '<moment>', task: '<moment_task>' },
      standing: false,
      threshold: 0.3,
      nms: 0.7,
      graphs: { main: { file: 'moment.onnx', inputs: {}, outputs: roles } },
    },
    { main },
  )
  const scene = { visual: floats(new Float32Array(1), [1, 1, 1]), features: {} }
  const window = { visual: scene.visual, times: floats(new Float32Array(4), [1, 4]), mediaTimes: TIMES }
  const [sight] = await head.run({ scene, window, size: { height: 1, width: 1 } }, floats(new Float32Array(1), [1, 1]))
  return sight?.spans ?? []
}

test('spans are told in media time', async () => {
  expect(await served([0, 1 / 3], [0.9])).toEqual([{ start: 1000, end: 1250, score: 0.9 }])
})

test('what still goes on in the last frame lasts until the next would come, and no longer', async () => {
  const [going, beyond] = [await served([1 / 3, 4 / 3], [0.9]), await served([1 / 3, 9], [0.9])]
  expect([going[0]?.end, beyond[0]?.end]).toEqual([2000, 2000])
})

test('of two spans that overlap nearly whole the surer one is told', async () => {
  expect(await served([0, 0.9, 0, 1, 0.5, 1], [0.7, 0.8, 0.6])).toMatchObject([{ end: 1750 }, { start: 1375 }])
})
