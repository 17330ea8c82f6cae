import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { openTestHouse } from '../house/open-test-house.ts'
import { readmeProgram } from '../packages/program.ts'

/** A command as it is printed, with the machine's own Node in front as a reader has it, not the one that npm puts there. */
function asPrinted(command: string, cwd: string, env: Record<string, string> = {}): Promise<{ stdout: string; stderr: string }> {
  const path = (process.env.PATH ?? '').split(':').filter((part) => !part.includes('node_modules'))
  return promisify(execFile)('sh', ['-c', command], { cwd, timeout: 170_000, env: { ...process.env, PATH: path.join(':'), ...env } })
}

/** The command of a head comment that begins so. */
async function printedIn(file: string, beginning: RegExp): Promise<string> {
  const command = (await readFile(inRepository(file), 'utf8')).split('\n').find((line) => beginning.test(line))
  if (command === undefined) throw new Error(`${file} prints no command ${beginning}.`)
  return command.replace(/^\/\/ +/, '').replace(/ {2,}.*$/, '')
}

// Each example checks its own output and says ok.
test.each(['agent-turn', 'workflow'])('examples/%s runs offline, by the command in its head', { timeout: 180_000 }, async (story) => {
  const file = `examples/${story}/main.ts`
  const { stdout } = await asPrinted(await printedIn(file, /^\/\/ +npx node /), inRepository('.'))
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('ok')
})

test('a turn whose chat model cannot be reached says so', { timeout: 180_000 }, async () => {
  const failed = asPrinted('npx node examples/agent-turn/main.ts', inRepository('.'), { CHAT_BASE_URL: 'http://127.0.0.1:9/v1' })
  await expect(failed).rejects.toThrow(/The turn failed: .* \(unavailable\)/)
})

test('the program of the README runs as it is printed, with the key that lies in the folder', { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-readme-'))
  try {
    for (const name of ['node_modules', 'samples']) await symlink(inRepository(name), join(folder, name))
    await writeFile(join(folder, 'prog.mjs'), readmeProgram())
    await using house = await openTestHouse({ dataDir: join(folder, '.fovea') })
    const { stdout } = await asPrinted(await printedIn('README.md', /^npx node prog\.mjs/), folder, { FOVEA_URL: house.url, FOVEA_KEY: '' })
    expect(stdout).toMatch(/dog: [\d.]+ at [\d. ]+/)
    expect(stdout).toMatch(/no horse/)
  } finally {
    await rm(folder, { recursive: true })
  }
})
