import { expect, test } from 'vitest'
import { ErrorBody } from './error.ts'
import { ProtocolError, toProtocolError } from './protocol-error.ts'

test('an error that travels says what was expected, what came, and whether to try again', () => {
  const error = new ProtocolError('frame-number', 'Frame numbers rise by one: 8 was expected, 10 came.', { expected: 8, got: 10, cause: new Error('inner') })
  expect(ErrorBody.parse(error.body())).toEqual({ code: 'frame-number', message: error.message, retryable: false, expected: 8, got: 10 })
})

test('what is not ours becomes `internal` and keeps its words to itself', () => {
  const secret = new Error('SQLITE_ERROR in /var/db')
  const error = toProtocolError(secret)
  expect(error.body().code).toBe('internal')
  expect(JSON.stringify(error.body())).not.toContain('SQLITE')
  expect(error.cause).toBe(secret)
  expect(toProtocolError(error)).toBe(error)
})
