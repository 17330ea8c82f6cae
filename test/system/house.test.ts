import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { openSession } from '../../packages/sdk/src/node/index.ts'
import type { Frame } from '../../packages/sdk/src/node/index.ts'
import { openHouse } from '../../packages/cli/src/house.ts'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { TEST_BUNDLE } from '../house/bundle.ts'
import { openTestHouse } from '../house/open-test-house.ts'

async function picture(mediaTime: number): Promise<Frame> {
  const data = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer()
  return { data, codec: 'jpeg', width: 64, height: 64, mediaTime }
}

test('data are kept over a restart: the key, the session, its log', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'fovea-data-'))
  try {
    const before = await openHouse({ dataDir, inference: 'none', studio: false })
    const session = await openSession(before)
    session.openStream({ policy: 'all', name: 'kept' })
    await expect.poll(() => session.lastSeq).toBeGreaterThanOrEqual(2)
    await session.close({ keep: true })
    await before.close()
    expect((await stat(join(dataDir, 'keys.json'))).mode & 0o077).toBe(0)

    await using after = await openHouse({ dataDir, inference: 'none', studio: false })
    expect(after.key).toBe(before.key)
    await using again = await openSession({ url: after.url, session: session.id, resumeKey: session.resumeKey ?? '' })
    const names: unknown[] = []
    again.on('message', (message) => message.type === 'stream-opened' && names.push(message.name))
    await expect.poll(() => names).toEqual(['kept'])
  } finally {
    await rm(dataDir, { recursive: true })
  }
})

test('[SE3] a killed backend: frames are unavailable, the session stays, and a new backend takes it up', async () => {
  await using house = await openTestHouse()
  await using session = await openSession(house)
  const states: string[] = []
  session.on('message', (message) => message.type === 'session-state' && states.push(message.state))
  const stream = session.openStream({ policy: 'all' })
  await stream.put(await picture(0))
  await stream.drained()
  await house.backends[0]?.kill()
  await expect.poll(() => states.includes('degraded') || states.filter((state) => state === 'attaching').length > 1, { timeout: 20_000 }).toBe(true)
  expect(session.connection.state).toBe('open')
  await house.addBackend().ready
  await stream.put(await picture(100))
  await stream.drained()
  expect(states.at(-1)).toBe('live')
  expect(stream.counts.seen).toBe(2)
}, 180_000)

test('a data folder has one house at a time, and a port says whose it is', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'fovea-data-'))
  try {
    const house = await openHouse({ dataDir, inference: 'none', studio: false })
    await expect(openHouse({ dataDir, inference: 'none', studio: false })).rejects.toThrow(`in use by pid ${process.pid}, which answers at ${house.url}`)
    await expect(openHouse({ port: Number(new URL(house.url).port), inference: 'none', studio: false })).rejects.toThrow('is taken, perhaps by another')
    await house.close()
    await using after = await openHouse({ dataDir, inference: 'none', studio: false })
    expect(after.key).toBe(house.key)
  } finally {
    await rm(dataDir, { recursive: true })
  }
})

test('closing twice is one closing, and nothing is left behind', async () => {
  const house = await openTestHouse()
  const pid = house.backends[0]?.pid ?? 0
  await Promise.all([house.close(), house.close()])
  expect(() => process.kill(pid, 0)).toThrow()
  await expect(fetch(house.url)).rejects.toThrow()
})

test('a bundle with a wrong hash is refused with the file’s name, before anything is served', async () => {
  const bundle = await mkdtemp(join(tmpdir(), 'fovea-bundle-'))
  try {
    await cp(TEST_BUNDLE, bundle, { recursive: true })
    await writeFile(join(bundle, 'tokenizer.json'), '{}')
    await expect(openTestHouse({ bundle })).rejects.toThrow(/tokenizer\.json/)
  } finally {
    await rm(bundle, { recursive: true })
  }
})

test('`npm start` prints a ready line with URL and key; Ctrl-C ends it cleanly, with everything it started', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'fovea-up-'))
  const child = spawn(
    process.execPath,
    [inRepository('packages/cli/bin/fovea.js'), 'up', '--port', '0', '--data', dataDir, '--bundle', TEST_BUNDLE, '--no-studio'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  try {
    let out = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    await expect.poll(() => out, { timeout: 120_000 }).toContain('Ctrl-C')
    const url = /Fovea is ready in [\d.]+ s: (http:\S+)/.exec(out)?.[1] ?? ''
    const key = /key +(\S+)/.exec(out)?.[1] ?? ''
    await using session = await openSession({ url, key })
    expect(session.connection.state).toBe('open')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    await expect(fetch(url)).rejects.toThrow()
  } finally {
    child.kill('SIGKILL')
    await rm(dataDir, { recursive: true, force: true })
  }
}, 180_000)

/** A signal to the whole group, as a terminal or `timeout` sends it, reaches workerd and the model before this program has asked them to end. */
test.each(['while it starts', 'when it is ready'])(
  'a signal to every part at once, %s, leaves none of them, and the folder and port free',
  async (moment) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'fovea-group-'))
    const args = ['up', '--port', '0', '--data', dataDir, '--bundle', TEST_BUNDLE, '--no-studio']
    const child = spawn(process.execPath, [inRepository('packages/cli/bin/fovea.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    const group = -(child.pid ?? 0)
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (err += chunk))
    const holder = async () => JSON.parse(await readFile(join(dataDir, 'in-use.json'), 'utf8').catch(() => '{}'))
    try {
      if (moment === 'when it is ready') await expect.poll(() => out, { timeout: 120_000 }).toContain('Ctrl-C')
      else await expect.poll(async () => (await holder()).pid, { timeout: 60_000 }).toBeDefined()
      process.kill(group, 'SIGTERM')
      // Whoever started it may pass the signal on as well.
      process.kill(group, 'SIGTERM')
      expect(await ended).toBe(0)
      expect(err).not.toContain('fovea:')
      expect(() => process.kill(group, 0)).toThrow()
      expect(await holder()).toEqual({})
    } finally {
      child.kill('SIGKILL')
      await rm(dataDir, { recursive: true, force: true })
    }
  },
  180_000,
)
