import { expect, test } from 'vitest'
import { Answer, type Reader, type Reading } from './answer.ts'

const WORDS = ['<eos>', '<p>', '<region>', '<mask>', 'the', 'dog', 'and', 'ball', 'caf', 'é']
const reader: Reader = {
  eos: 0,
  phrase: 1,
  maxNewTokens: 50,
  taskOf: (id) => (id === 2 ? 'region' : id === 3 ? 'mask' : undefined),
  text: (ids) => ids.map((id) => WORDS[id]).join(' '),
}
const read = (tokens: string[], { limit = 50 } = {}) => {
  const answer = new Answer({ ...reader, maxNewTokens: limit }, 'what was asked')
  const readings: Reading[] = []
  for (const token of tokens) {
    const reading = answer.read(WORDS.indexOf(token))
    if (reading.do !== 'go-on') readings.push(reading)
    if (reading.do === 'end') break
  }
  return { text: answer.text, readings, tokens: answer.tokens }
}

test('a trigger looks for the phrase before it, and tells which words that is', () => {
  const { text, readings } = read(['<p>', 'the', 'dog', '<region>', 'and', '<p>', 'the', 'ball', '<mask>', '<eos>'])
  expect(text).toBe('the dog and the ball')
  expect(readings).toEqual([
    { do: 'look', task: 'region', query: 'the dog', words: [0, 7] },
    { do: 'look', task: 'mask', query: 'the ball', words: [12, 20] },
    { do: 'end', finish: 'stop' },
  ])
  expect(text.slice(12, 20)).toBe('the ball')
})

test('a trigger without a phrase looks for what was asked', () => {
  expect(read(['the', '<region>', '<eos>']).readings[0]).toEqual({ do: 'look', task: 'region', query: 'what was asked' })
  expect(read(['<p>', '<region>', '<eos>']).readings[0]).toEqual({ do: 'look', task: 'region', query: 'what was asked' })
})

test('a phrase grounds one trigger only', () => {
  expect(read(['<p>', 'dog', '<region>', 'and', '<mask>', '<eos>']).readings.map((each) => each.do === 'look' && each.query)).toEqual([
    'dog',
    'what was asked',
    false,
  ])
})

test('an answer that does not end is cut at the limit', () => {
  const { readings, tokens } = read(
    Array.from({ length: 99 }, () => 'dog'),
    { limit: 7 },
  )
  expect([readings, tokens]).toEqual([[{ do: 'end', finish: 'length' }], 7])
})

test('half a character waits for its other half', () => {
  const halves: Reader = { ...reader, text: (ids) => (ids.length === 1 ? 'caf\uFFFD' : 'café') }
  const answer = new Answer(halves, '')
  answer.read(8)
  expect(answer.text).toBe('')
  answer.read(9)
  expect(answer.text).toBe('café')
})
