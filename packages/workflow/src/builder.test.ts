import { expect, test } from 'vitest'
import { workflow } from './builder.ts'

test('steps follow one another in the order they are added, and end() breaks the row', () => {
  const graph = workflow('two ways')
    .count('cups', { query: 'cups' })
    .branch('any', { on: 'cups.count', when: [{ op: '>', value: 3, next: 'many' }], otherwise: 'few' })
    .event('many', { name: 'many' })
    .end()
    .event('few', { name: 'few' })
    .build()
  expect(graph).toEqual({
    name: 'two ways',
    version: 1,
    start: 'cups',
    steps: [
      { kind: 'count', id: 'cups', query: 'cups', next: 'any' },
      { kind: 'branch', id: 'any', on: 'cups.count', when: [{ op: '>', value: 3, next: 'many' }], otherwise: 'few' },
      { kind: 'event', id: 'many', name: 'many' },
      { kind: 'event', id: 'few', name: 'few' },
    ],
  })
})

test('a builder hands out nothing that cannot run', () => {
  expect(() => workflow('empty').build()).toThrow(/not a workflow graph/)
  expect(() => workflow('odd').count('a', { query: '{{nowhere.box}}' }).build()).toThrow(/there is no step nowhere/)
})

test('a follow or branch that names no step before it does not compile', () => {
  const begun = workflow('typed').locate('find', { query: 'cup' })
  // @ts-expect-error -- there is no step `fnid`
  expect(() => begun.follow('watch', { from: 'fnid' }).build()).toThrow(/no step fnid/)
  // @ts-expect-error -- there is no step `later`
  expect(() => begun.branch('any', { on: 'later.count', when: [{ op: '>', value: 0, next: 'find' }] }).build()).toThrow(/no step later/)
})
