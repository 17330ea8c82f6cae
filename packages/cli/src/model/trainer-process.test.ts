import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runTrainer } from './trainer-process.ts'

async function python(script: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'fovea-python-')), 'python')
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return file
}

test('without a Python the step is named, and how to get one', async () => {
  const run = runTrainer(['export-sam', 'edgetam'], { environment: { FOVEA_PYTHON: '/nowhere/python' } })
  await expect(run).rejects.toThrow(/fovea-train export-sam.*no Python[\s\S]*pip install[\s\S]*goes on from there/)
})

test('what the trainer says is passed on; how it failed is told', async () => {
  const lines: string[] = []
  await runTrainer(['import', 'x'], { environment: { ...process.env, FOVEA_PYTHON: await python('echo "$@"') }, onLine: (line) => lines.push(line) })
  expect(lines).toEqual(['-m trainer.cli import x'])
  const failing = { ...process.env, FOVEA_PYTHON: await python('echo "3 tensors are missing" >&2; exit 1') }
  await expect(runTrainer(['import'], { environment: failing, onLine: () => {} })).rejects.toThrow(/status 1: 3 tensors are missing/)
  const bare = { ...process.env, FOVEA_PYTHON: await python('echo "ModuleNotFoundError: No module named torch" >&2; exit 1') }
  await expect(runTrainer(['import'], { environment: bare, onLine: () => {} })).rejects.toThrow(/No module named torch[\s\S]*pip install/)
})
