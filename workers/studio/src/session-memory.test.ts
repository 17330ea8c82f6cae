import { expect, test } from 'vitest'
import { forget, remember, remembered } from './session-memory.ts'

function storage() {
  const values = new Map<string, string>()
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  }
}

test('a tab comes back to its session, until it is forgotten', () => {
  const tab = storage()
  expect(remembered(tab)).toBeUndefined()
  remember({ session: 's_1', resumeKey: 'k' }, tab)
  expect(remembered(tab)).toEqual({ session: 's_1', resumeKey: 'k' })
  forget(tab)
  expect(remembered(tab)).toBeUndefined()
})

test('what something else wrote there is no session', () => {
  for (const text of ['', 'null', '{}', '{"session":4,"resumeKey":"k"}', 'not json']) expect(remembered({ getItem: () => text })).toBeUndefined()
})
