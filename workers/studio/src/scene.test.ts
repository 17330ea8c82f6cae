import type { Box, Perception } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { Scene } from './scene.ts'

const cups = (...boxes: Box[]): Perception => ({ watch: 'cups', task: 'region', score: 0.9, regions: boxes.map((box) => ({ box, score: 0.9 })) })

test('two things of one watch keep who they are while they pass each other slowly', () => {
  const scene = new Scene()
  for (let step = 0; step <= 10; step++) {
    const x = step * 0.05
    scene.take({ mediaTime: step * 100, perceptions: [cups([x, 0.1, x + 0.2, 0.3], [0.8 - x, 0.6, 1 - x, 0.8])] })
  }
  const shapes = scene.shapesAt(1000)
  expect(shapes.map((shape) => shape.key)).toEqual(['watch:cups:1', 'watch:cups:2'])
  expect(shapes[0]?.box[0]).toBeCloseTo(0.5)
  expect(shapes[1]?.box[0]).toBeCloseTo(0.3)
})

test('what the verdicts no longer name fades and goes', () => {
  const scene = new Scene()
  scene.take({ mediaTime: 0, perceptions: [cups([0, 0, 0.2, 0.2])] })
  scene.take({ mediaTime: 100, perceptions: [cups([0, 0, 0.2, 0.2])] })
  scene.take({ mediaTime: 200, perceptions: [cups()] })
  expect(scene.shapesAt(200)[0]?.alpha).toBe(1)
  scene.take({ mediaTime: 350, perceptions: [cups()] })
  const fading = scene.shapesAt(350)[0]?.alpha ?? 0
  expect(fading).toBeGreaterThan(0)
  expect(fading).toBeLessThan(1)
  scene.take({ mediaTime: 900, perceptions: [cups()] })
  expect(scene.shapesAt(900)).toEqual([])
})

test('a thing that jumps between two slow verdicts is still the same thing, drawn once', () => {
  const scene = new Scene()
  scene.take({ mediaTime: 0, perceptions: [cups([0, 0, 0.2, 0.2])] })
  scene.take({ mediaTime: 1000, perceptions: [cups([0.22, 0, 0.42, 0.2])] })
  expect(scene.shapesAt(1000).map((shape) => shape.key)).toEqual(['watch:cups:1'])
})

test('overlap goes before nearness: a thing that stays is not taken by one that comes close', () => {
  const scene = new Scene()
  scene.take({ mediaTime: 0, perceptions: [cups([0, 0, 0.2, 0.2])] })
  scene.take({ mediaTime: 100, perceptions: [cups([0.15, 0, 0.35, 0.2], [0, 0, 0.2, 0.2])] })
  expect(scene.shapesAt(100).find((shape) => shape.key === 'watch:cups:1')?.told).toEqual([0, 0, 0.2, 0.2])
})

test('a track is itself, with its life, its mask and the way it came', () => {
  const scene = new Scene()
  const rle = { size: [2, 2] as [number, number], counts: '04' }
  scene.take({ mediaTime: 0, perceptions: [{ track: 't1', task: 'track', score: 0.8, box: [0, 0, 0.2, 0.2], mask: rle, life: 'tentative' }] })
  scene.take({ mediaTime: 100, perceptions: [{ track: 't1', task: 'track', score: 0.9, box: [0.4, 0, 0.6, 0.2], mask: rle, life: 'confirmed' }] })
  const [shape] = scene.shapesAt(100)
  expect(shape).toMatchObject({ key: 'track:t1', of: 't1', kind: 'track', life: 'confirmed', score: 0.9, mask: { rle, box: [0.4, 0, 0.6, 0.2] } })
  expect(shape?.trail).toHaveLength(2)
})

test('a stopped watch goes at once', () => {
  const scene = new Scene()
  scene.take({ mediaTime: 0, perceptions: [cups([0, 0, 0.2, 0.2])] })
  scene.forget('cups')
  expect(scene.shapesAt(0)).toEqual([])
})
