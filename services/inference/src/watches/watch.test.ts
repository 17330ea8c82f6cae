import { expect, test } from 'vitest'
import type { Head } from '../heads/head.ts'
import { Watch } from './watch.ts'

const head = (standing: boolean): Head => ({
  task: 'region',
  token: { trigger: '<region>', task: '<region_task>' },
  standing,
  threshold: 0.5,
  needsWindow: false,
  run: async () => [],
})
const watch = ({ standing = true, ...body }: { standing?: boolean; everyMs?: number; minScore?: number } = {}) =>
  new Watch({ watch: 'w', stream: 1, query: 'dog', task: 'region', ...body }, head(standing), { refreshMs: 10_000, everyMs: 500 })
const state = new Float32Array(1)
const sight = (score: number, consistency = 1) => ({ score, consistency, regions: [{ box: [0, 0, 1, 1] as [number, number, number, number], score }] })

test('[TR1] compiled once, then again only when its time comes', () => {
  const standing = watch()
  expect([standing.needsCompiling(0), standing.due(0)]).toEqual([true, false])
  standing.compiled(state, 0)
  expect([standing.needsCompiling(100), standing.due(100)]).toEqual([false, true])
  expect([standing.needsCompiling(9999), standing.needsCompiling(10_000)]).toEqual([false, true])
})

test('[TR1] compiled again when the head stops agreeing with itself, though not at once', () => {
  const standing = watch()
  standing.compiled(state, 0)
  for (let time = 100; time < 1500; time += 100) standing.perceive(sight(0.9, 1), time)
  expect(standing.needsCompiling(1500)).toBe(false)
  for (let time = 1500; time < 2500; time += 100) standing.perceive(sight(0.9, 0.2), time)
  expect(standing.needsCompiling(2500)).toBe(true)
  standing.compiled(state, 2500)
  expect(standing.needsCompiling(2600)).toBe(false)
})

test('[TR1] a head that cannot stand is asked again every everyMs', () => {
  const asked = watch({ standing: false })
  asked.compiled(state, 0)
  expect([asked.needsCompiling(499), asked.needsCompiling(500)]).toEqual([false, true])
})

test('[TR1] everyMs spaces the runs of a standing head', () => {
  const spaced = watch({ everyMs: 200 })
  spaced.compiled(state, 0)
  spaced.perceive(sight(0.9), 0)
  expect([spaced.due(100), spaced.due(200)]).toEqual([false, true])
})

test('[PE2] below the threshold, or below what the client asks for, there is no box', () => {
  expect(watch().perceive(sight(0.4), 0)).toEqual({ watch: 'w', task: 'region', score: 0.4, regions: [] })
  expect(watch({ minScore: 0.8 }).perceive(sight(0.7), 0).regions).toEqual([])
  expect(watch({ minScore: 0.3 }).perceive(sight(0.9), 0).regions).toHaveLength(1)
})
