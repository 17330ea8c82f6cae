import { expect, test } from 'vitest'
import { addBox } from './box-flag.ts'

test('boxes of a question come in the order they were given', () => {
  expect(addBox('0.6,0.1,0.9,0.9', addBox('0.1,0.2,0.5,0.6'))).toEqual([
    [0.1, 0.2, 0.5, 0.6],
    [0.6, 0.1, 0.9, 0.9],
  ])
})

test.each(['0.1,0.2,0.5', '10,20,50,60', 'left,top,right,bottom'])('%s is no box', (value) => {
  expect(() => addBox(value)).toThrow(/four numbers between 0 and 1/)
})
