import { expect, test } from 'vitest'
import { addTasks, watchTask } from './task-flag.ts'

test('tasks come with commas or one by one, each once', () => {
  expect(addTasks('region,mask')).toEqual(['region', 'mask'])
  expect(addTasks('mask', addTasks('region, mask'))).toEqual(['region', 'mask'])
  expect(watchTask('mask')).toBe('mask')
})

test('what is no task is refused with those that are; a track with what follows instead', () => {
  expect(() => addTasks('foo')).toThrow('region, mask or moment')
  expect(() => addTasks('region,')).toThrow('region, mask or moment')
  expect(() => addTasks('track')).toThrow('fovea watch')
  expect(() => watchTask('track')).toThrow('session.follow()')
  expect(() => watchTask('moment')).toThrow('--task moment')
  expect(() => watchTask('banana')).toThrow('region or mask')
})
