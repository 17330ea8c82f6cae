import fc from 'fast-check'
import { expect, test } from 'vitest'
import { scopedId } from './scoped-id.ts'
import { ClientId } from './units.ts'

test('[AS1] a scoped id is a valid id, the same every time', () => {
  expect(scopedId('turn-01', 'call-2')).toBe('turn-01-call-2')
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 80 }), fc.string({ minLength: 1, maxLength: 80 }), (scope, own) => {
      expect(ClientId.parse(scopedId(scope, own))).toBe(scopedId(scope, own))
    }),
  )
})

test('[AS1] long scopes that differ at their end stay apart', () => {
  const scope = 'x'.repeat(64)
  expect(scopedId(scope, 'call-1')).not.toBe(scopedId(scope, 'call-2'))
})
