import { expect, test } from 'vitest'
import type { Feeds } from '../model/graph.ts'
import { Graph } from '../model/graph.ts'
import { bytes, floats } from '../model/tensor.ts'
import { HeadEyes } from './head-eyes.ts'
import type { Scene } from './head.ts'

const scene = (): Scene => ({ visual: floats(new Float32Array(0), [0, 0]), features: {}, pixels: bytes(new Uint8Array(3), [1, 1, 1, 3]) })
const room = ({ attended }: Feeds): number => (attended?.type === 'float32' ? attended.data.length : -1)

/** An encoder of one number a picture, which counts the pictures. */
function eyes(): { eyes: HeadEyes; looked: () => number } {
  let looked = 0
  const runner = {
    inputs: [{ name: 'pixels', type: 'uint8', dims: [] }],
    outputs: [{ name: 'map', type: 'float32', dims: [] }],
    run: async () => ({ map: floats(Float32Array.of(++looked), [1]) }),
    close: async () => {},
  }
  const encode = new Graph('mask.encode', { file: 'e.onnx', inputs: { pixels: 'pixels.frame' }, outputs: { map: 'attended' } }, runner)
  return { eyes: new HeadEyes(encode), looked: () => looked }
}

test('a scene is looked at once, however many look', async () => {
  const { eyes: head, looked } = eyes()
  const one = scene()
  await Promise.all([head.see(one, async (features) => room(features)), head.see(one, async (features) => room(features))])
  expect(await head.see(one, async (features) => room(features))).toBe(1)
  expect(looked()).toBe(1)
})

test('features of old scenes are given back, but never while somebody looks at them', async () => {
  const { eyes: head, looked } = eyes()
  const first = scene()
  const waits: (() => void)[] = []
  let features: Feeds = {}
  const looking = head.see(first, async (seen) => {
    features = seen
    await new Promise<void>((resolve) => waits.push(resolve))
    return room(seen)
  })
  for (let other = 0; other < 3; other++) await head.see(scene(), async () => {})
  expect(room(features)).toBe(1)
  waits.forEach((finish) => finish())
  expect(await looking).toBe(1)
  expect(room(features)).toBe(0)
  await head.see(first, async (again) => expect(room(again)).toBe(1))
  expect(looked()).toBe(5)
})
