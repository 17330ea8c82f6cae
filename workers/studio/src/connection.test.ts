import { expect, test } from 'vitest'
import { health } from './connection.ts'

test('[SE3] each state of the session reads as a word, and a lost socket comes before all of them', () => {
  expect(health(undefined, 'idle').words).toBe('Connecting')
  expect(health({ state: 'open' }, 'live')).toMatchObject({ tone: 'good', words: 'Live' })
  expect(health({ state: 'open' }, 'degraded')).toMatchObject({ tone: 'bad', words: 'No model' })
  expect(health({ state: 'connecting', because: 'The socket closed (1006).' }, 'live')).toMatchObject({
    tone: 'busy',
    words: 'Reconnecting',
    detail: expect.stringContaining('1006'),
  })
  expect(health({ state: 'closed', because: 'Replaced by another program.' }, 'live')).toMatchObject({ tone: 'bad', detail: 'Replaced by another program.' })
})
