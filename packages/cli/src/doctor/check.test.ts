import { expect, test } from 'vitest'
import { runChecks } from './check.ts'

const fine = async () => 'fine'
const refused = async () => {
  throw new Error('This API key is not known.')
}

test('one cause is one failure: what leans on a failed step, and on that, is not tried; the rest is', async () => {
  const told: string[] = []
  const checks = await runChecks(
    [
      { name: 'edge', run: fine },
      { name: 'session', needs: 'edge', run: refused },
      { name: 'frame', needs: 'session', run: fine },
      { name: 'ask', needs: 'frame', run: fine },
      { name: 'decoders', run: fine },
    ],
    ({ name }) => told.push(name),
  )
  expect(told).toEqual(['edge', 'session', 'frame', 'ask', 'decoders'])
  expect(checks.map(({ ok, tried }) => (ok ? 'ok' : tried ? 'failed' : 'not tried'))).toEqual(['ok', 'failed', 'not tried', 'not tried', 'ok'])
  expect(checks[1]?.detail).toBe('This API key is not known.')
  expect(checks[3]?.detail).toContain('needs: frame')
})
