import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { openTestHouse } from '../house/open-test-house.ts'

const PYTHON = process.env.FOVEA_PYTHON ?? 'python3'

function canRun(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import websockets.sync.client'], { stdio: 'ignore' })
    return true
  } catch {
    console.log(`The Python client is not tested: ${PYTHON} has no \`websockets\`. Set FOVEA_PYTHON to one that has.`)
    return false
  }
}

test.skipIf(!canRun())('[WI1] [WI3] [AS2] a stranger without the SDK: forty lines of Python send pictures and read words', { timeout: 180_000 }, async () => {
  await using house = await openTestHouse()
  const folder = await mkdtemp(join(tmpdir(), 'fovea-python-'))
  try {
    const pictures = await Promise.all(
      [0, 1, 2, 3].map(async (page) => {
        const file = join(folder, `${page}.jpg`)
        await sharp(inRepository('samples/lookalikes.webp'), { page }).jpeg().toFile(file)
        return file
      }),
    )
    const client = [inRepository('examples/python-client/client.py'), house.url, house.key, 'where is the scooter?', ...pictures]
    const { stdout } = await promisify(execFile)(PYTHON, client, { timeout: 120_000 })
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => String(JSON.parse(line).type))
    expect(new Set(types.slice(0, -1)).difference(new Set(['answer-delta', 'head-result']))).toEqual(new Set())
    expect(types.at(-1)).toBe('answer-ended')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.skipIf(!canRun())(
  'the client says in a line what is wrong: no pictures, a key that is not known, a file that is no JPEG',
  { timeout: 180_000 },
  async () => {
    await using house = await openTestHouse()
    const client = inRepository('examples/python-client/client.py')
    const said = (...args: string[]) =>
      promisify(execFile)(PYTHON, [client, ...args], { timeout: 60_000 }).then(
        () => '',
        (error: { stderr: string }) => error.stderr,
      )
    const webp = inRepository('samples/lookalikes.webp')
    expect(await said(house.url, house.key, 'what?')).toMatch(/^python client\.py http/)
    expect(await said(house.url, 'fv_wrong', 'what?', webp)).toMatch(/^http:\S+: HTTP Error 401/)
    expect(await said(house.url, house.key, 'what?', webp)).toContain('lookalikes.webp is no JPEG')
    expect(await said('http://127.0.0.1:9', house.key, 'what?', webp)).toMatch(/^http:\S+: .*refused/)
  },
)
