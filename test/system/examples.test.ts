import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inRepository } from '../../packages/cli/src/repository.ts'

// Each example checks its own output and says ok.
test.each(['agent-turn', 'workflow'])('examples/%s runs offline', { timeout: 180_000 }, async (story) => {
  const { stdout } = await promisify(execFile)(process.execPath, [`examples/${story}/main.ts`], { cwd: inRepository('.'), timeout: 170_000 })
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('ok')
})
