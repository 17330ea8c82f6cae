import { expect, test } from 'vitest'
import { ColourBook, PALETTE } from './colours.ts'

test('a name keeps its colour', () => {
  const book = new ColourBook()
  const cup = book.of('red cup')
  for (let index = 0; index < 30; index++) book.of(`thing ${index}`)
  expect(book.of('red cup')).toBe(cup)
})

test('no two names share a colour while colours are left', () => {
  const book = new ColourBook()
  const colours = PALETTE.map((_, index) => book.of(`track-${index}`))
  expect(new Set(colours).size).toBe(PALETTE.length)
})

test('the first name gets the same colour on every page', () => {
  expect(new ColourBook().of('hand')).toBe(new ColourBook().of('hand'))
})
