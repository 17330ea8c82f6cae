import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EdgeMessage } from '@fovea/protocol'
import type { House } from '../../packages/cli/src/house.ts'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { openTestHouse } from '../house/open-test-house.ts'

const CLIP = inRepository('samples/lookalikes.webp')
const WITHIN_MS = 120_000
let house: House
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-cli-'))
  house = await openTestHouse()
}, WITHIN_MS)
afterAll(async () => {
  await house.close()
  await rm(folder, { recursive: true })
})

type Ran = { code: number | null; out: string; err: string }

/** The command as a person runs it, against the house of this test. */
function fovea(args: string[], { input, env = {} }: { input?: Uint8Array; env?: Record<string, string> } = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [inRepository('packages/cli/bin/fovea.js'), ...args], {
      env: { ...process.env, FOVEA_URL: house.url, FOVEA_KEY: house.key, ...env },
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (err += chunk))
    child.on('close', (code) => resolve({ code, out, err }))
    child.stdin.end(input)
  })
}

test(
  'ask prints words, then the evidence under them, and saves overlays',
  async () => {
    const saved = join(folder, 'overlays')
    const { code, out, err } = await fovea(['ask', CLIP, 'banana', '--task', 'region', '--save', saved])
    expect(err).not.toContain('fovea:')
    expect(code).toBe(0)
    expect(out).toMatch(/^ {2}region "banana" \d\.\d\d: .*frame 32 at 3\.88 s$/m)
    const [picture] = await readdir(saved)
    expect(picture).toBe('01-region-banana.png')
    expect(await sharp(join(saved, picture ?? '')).metadata()).toMatchObject({ format: 'png' })
  },
  WITHIN_MS,
)

test(
  'ask --json prints the protocol’s events, one a line, each valid and in order',
  async () => {
    const { code, out } = await fovea(['ask', CLIP, 'is there a banana?', '--json', '--at', 'now'])
    expect(code).toBe(0)
    const events = out
      .trim()
      .split('\n')
      .map((line) => EdgeMessage.parse(JSON.parse(line)))
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['session-started', 'stream-opened', 'ask-accepted', 'answer-ended']))
    expect(events.flatMap((event) => ('at' in event ? [event.seq] : []))).toEqual(events.map((_, index) => index + 1))
  },
  WITHIN_MS,
)

test(
  'ask reads concatenated JPEG from a pipe',
  async () => {
    const pictures = await Promise.all(
      [40, 120, 200].map((shade) =>
        sharp({ create: { width: 64, height: 64, channels: 3, background: { r: shade, g: 0, b: 0 } } })
          .jpeg()
          .toBuffer(),
      ),
    )
    const { code, out } = await fovea(['ask', '-', 'a ball', '--task', 'region', '--fps', '4'], { input: Buffer.concat(pictures) })
    expect(code).toBe(0)
    expect(out).toContain('frame 3 at 0.50 s')
  },
  WITHIN_MS,
)

test(
  'watch prints one line a verdict, and a count at the end',
  async () => {
    const { code, out, err } = await fovea(['watch', CLIP, 'banana', '--speed', '4'])
    expect(code).toBe(0)
    const [, seen = 0, dropped = 0] = /(\d+) seen, (\d+) dropped/.exec(err)?.map(Number) ?? []
    expect(out.trim().split('\n')).toHaveLength(seen + dropped)
    expect(seen).toBeGreaterThan(0)
  },
  WITHIN_MS,
)

test(
  'what cannot work is told in one line, with the status to match',
  async () => {
    const text = join(folder, 'notes.mp4')
    await writeFile(text, 'this is no video')
    const cases: [string[], RegExp][] = [
      [['ask', join(folder, 'missing.mp4'), 'what?'], /no file or folder/],
      [['ask', text, 'what?'], /no picture|ffmpeg/],
      [['ask', CLIP, 'what?', '--at', 'tomorrow'], /--at takes/],
      [['ask', CLIP, 'what?', '--key', 'fv_wrong'], /unauthorised/],
      [['ask', CLIP, 'what?', '--url', 'http://127.0.0.1:9'], /cannot be reached/],
      [['model', 'inspect', folder], /manifest\.json is missing/],
    ]
    for (const [args, expected] of cases) {
      const { code, out, err } = await fovea(args)
      expect(code, args.join(' ')).toBe(1)
      expect(err).toMatch(expected)
      expect(err).not.toMatch(/\n\s+at /)
      expect(out).toBe('')
    }
  },
  WITHIN_MS,
)

test(
  'model inspect tells what the bundle is; a changed file is named',
  async () => {
    const { code, out } = await fovea(['model', 'inspect', inRepository('services/inference/test/fixtures/toy'), '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ ok: true, name: 'toy', tasks: ['region'] })
  },
  WITHIN_MS,
)

test(
  'a workflow that cannot run is refused before anything is sent; one that can runs with its steps printed',
  async () => {
    const file = join(folder, 'graph.json')
    const graph = {
      name: 'look',
      version: 1,
      start: 'find',
      steps: [
        { kind: 'locate', id: 'find', query: '{{input.thing}}', next: 'say' },
        { kind: 'event', id: 'say', name: 'looked', data: { score: '{{find.score}}' } },
      ],
    }
    await writeFile(file, JSON.stringify({ ...graph, start: 'nowhere' }))
    expect(await fovea(['workflow', 'run', file, '--video', CLIP])).toMatchObject({ code: 1, err: expect.stringContaining('nowhere') })
    await writeFile(file, JSON.stringify(graph))
    expect(await fovea(['workflow', 'check', file])).toMatchObject({ code: 0, out: expect.stringContaining('inputs: thing') })
    expect(await fovea(['workflow', 'run', file, '--video', CLIP])).toMatchObject({ code: 1, err: expect.stringContaining('--input thing=') })
    const { code, out, err } = await fovea(['workflow', 'run', file, '--video', CLIP, '--input', 'thing=banana'])
    expect(err).not.toContain('fovea:')
    expect(code).toBe(0)
    expect(out).toMatch(/^find +locate/m)
    expect(out).toMatch(/^\* looked/m)
  },
  WITHIN_MS,
)

test(
  'the README’s own commands exist',
  async () => {
    const readme = await readFile(inRepository('README.md'), 'utf8')
    const { out } = await fovea(['--help'])
    for (const [, command = ''] of readme.matchAll(/npx fovea (\w+)/g)) expect(out).toMatch(new RegExp(`^  ${command} `, 'm'))
  },
  WITHIN_MS,
)
