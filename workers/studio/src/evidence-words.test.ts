import { expect, test } from 'vitest'
import { wordRuns } from './evidence-words.ts'

test('words with evidence are cut from the words around them', () => {
  expect(wordRuns('The red cup is here.', [{ id: 'a', words: [4, 11] }])).toEqual([
    { text: 'The ', evidence: [] },
    { text: 'red cup', evidence: ['a'] },
    { text: ' is here.', evidence: [] },
  ])
})

test('ranges may overlap: the shared letters carry both', () => {
  expect(
    wordRuns('abcdef', [
      { id: 'a', words: [0, 4] },
      { id: 'b', words: [2, 6] },
    ]),
  ).toEqual([
    { text: 'ab', evidence: ['a'] },
    { text: 'cd', evidence: ['a', 'b'] },
    { text: 'ef', evidence: ['b'] },
  ])
})

test('a range past the text that has come so far waits', () => {
  expect(wordRuns('The', [{ id: 'a', words: [4, 11] }])).toEqual([{ text: 'The', evidence: [] }])
  expect(wordRuns('The red', [{ id: 'a', words: [4, 11] }])).toEqual([
    { text: 'The ', evidence: [] },
    { text: 'red', evidence: ['a'] },
  ])
})

test('evidence without words and an empty answer change nothing', () => {
  expect(wordRuns('Yes.', [{ id: 'a' }])).toEqual([{ text: 'Yes.', evidence: [] }])
  expect(wordRuns('', [{ id: 'a', words: [0, 3] }])).toEqual([])
})

test('every letter is in exactly one run', () => {
  const text = 'one two three four'
  const evidence = [
    { id: 'a', words: [0, 3] as [number, number] },
    { id: 'b', words: [3, 8] as [number, number] },
    { id: 'c', words: [2, 30] as [number, number] },
  ]
  expect(
    wordRuns(text, evidence)
      .map((run) => run.text)
      .join(''),
  ).toBe(text)
})
