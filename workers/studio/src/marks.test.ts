import type { Evidence } from '@fovea/protocol'
import { expect, test } from 'vitest'
import { ColourBook } from './colours.ts'
import { evidenceMarks, shapeMark } from './marks.ts'

const evidence: Evidence = {
  id: 'ev_0123456789',
  version: 1,
  task: 'region',
  token: '<region>',
  query: 'cup',
  score: 0.94,
  stream: 0,
  frame: 4,
  mediaTime: 1400,
  receivedAt: 1,
  regions: [
    { box: [0, 0, 0.2, 0.2], score: 0.94 },
    { box: [0.5, 0.5, 0.7, 0.7], score: 0.81 },
  ],
  model: { bundle: 'n', hash: 'h', head: 'region' },
}

test('each box of the evidence is a mark with its own score, all in the colour of the words', () => {
  const colours = new ColourBook()
  expect(evidenceMarks(evidence, colours)).toMatchObject([
    { label: 'cup 0.94', colour: colours.of('cup') },
    { label: 'cup 0.81', colour: colours.of('cup') },
  ])
})

test('[PE2] absence draws nothing', () => {
  expect(evidenceMarks({ ...evidence, score: 0.02, regions: [] }, new ColourBook())).toEqual([])
})

test('a thing without a lane is not drawn, a track not yet sure is dashed', () => {
  const shape = {
    key: 'track:t',
    of: 't',
    kind: 'track' as const,
    box: [0, 0, 1, 1] as [number, number, number, number],
    told: [0, 0, 1, 1] as [number, number, number, number],
    score: 0.5,
    alpha: 1,
    life: 'tentative' as const,
    mask: undefined,
    trail: [],
  }
  const lane = {
    id: 't',
    kind: 'track' as const,
    colour: 't',
    title: 'Picked point',
    task: 'track' as const,
    state: 'tentative' as const,
    score: 0.5,
    because: undefined,
    stretches: [],
    saliency: undefined,
    evidence: undefined,
  }
  expect(shapeMark(shape, undefined, new ColourBook())).toBeUndefined()
  expect(shapeMark(shape, lane, new ColourBook())).toMatchObject({ edge: 'dashed', label: 'Picked point 0.50' })
})
