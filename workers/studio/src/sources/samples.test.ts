import { expect, test } from 'vitest'
import { readSamples } from './samples.ts'

test('a list of samples becomes titles and questions', () => {
  expect(
    readSamples([{ file: 'a-crowd.webp', shows: ['boat', 'ball'], questions: [{ text: 'where is the boat?', at: { frame: 3 } }, { no: 'text' }] }]),
  ).toEqual([{ file: 'a-crowd.webp', title: 'A crowd', shows: 'boat, ball', questions: ['where is the boat?'] }])
})

test('what is no list, or no entry of one, is left out', () => {
  expect(readSamples({ samples: [] })).toEqual([])
  expect(readSamples([null, 3, {}, { file: 7 }])).toEqual([])
})
