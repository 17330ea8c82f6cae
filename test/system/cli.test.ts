import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
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
    const damaged = join(folder, 'damaged.jpg')
    const whole = await sharp(CLIP, { page: 0 }).jpeg().toBuffer()
    await writeFile(damaged, whole.subarray(0, whole.byteLength / 3))
    const brokenKeys = join(folder, 'broken')
    await mkdir(brokenKeys)
    await writeFile(join(brokenKeys, 'keys.json'), '{"api')
    const cases: [string[], RegExp][] = [
      [['ask', join(folder, 'missing.mp4'), 'what?'], /no file or folder/],
      [['ask', text, 'what?'], /no picture|ffmpeg/],
      [['ask', CLIP, 'what?', '--at', 'tomorrow'], /such as 2\.5/],
      [['ask', CLIP, 'what?', '--at', '-1'], /such as 2\.5/],
      [['ask', CLIP, 'what?', '--at', '3-1'], /ends after it begins/],
      [['ask', CLIP, 'what?', '--at', '100'], /beyond this recording, which is 4\.00 s long/],
      [['ask', CLIP, ' '], /empty/],
      [['ask', CLIP, 'what?', '--task', 'foo'], /region, mask or moment/],
      [['ask', CLIP, 'what?', '--task', 'track'], /fovea watch/],
      [['ask', folder, 'what?', '--fps', '-1'], /above 0/],
      [['ask', CLIP, 'what?', '--max-fps', 'abc'], /above 0/],
      [['ask', damaged, 'what?'], /damaged\.jpg could not be decoded/],
      [['ask', CLIP, 'what?', '--save', join(text, 'overlays')], /overlays cannot be/],
      [['ask', CLIP, 'what?', '--key', 'fv_wrong'], /unauthorised/],
      [['ask', CLIP, 'what?', '--url', 'http://127.0.0.1:9'], /cannot be reached/],
      [['ask', CLIP, 'what?', '--url', '127.0.0.1:8787'], /such as http:\/\/127\.0\.0\.1:8787/],
      [['watch', CLIP, ''], /empty/],
      [['watch', CLIP, 'banana', '--task', 'moment'], /fovea ask .* --task moment/],
      [['watch', CLIP, 'banana', '--task', 'track'], /session\.follow/],
      [['watch', CLIP, 'banana', '--speed', '0'], /above 0/],
      [['workflow', 'check', join(folder, 'missing.json')], /missing\.json is no graph: there is no such file/],
      [['workflow', 'check', folder], /is no graph: it is a folder/],
      [['workflow', 'check', text], /notes\.mp4 is no JSON/],
      [['workflow', 'run', text, '--video', CLIP, '--lead', 'abc'], /0 or more/],
      [['model', 'inspect', folder], /manifest\.json is missing/],
      [['model', 'import', 'foo'], /no family foo/],
      [['model', 'import', 'edgetam'], /needs --from/],
      [['up', '--port', '99999'], /from 0 to 65535/],
      [['up', '--backends', '0'], /from 1 to 64/],
      [['up', '--data', text], /notes\.mp4 cannot be the data folder/],
      [['up', '--data', brokenKeys], /keys\.json should hold the keys/],
      [['up', '--data', join(folder, 'data'), '--port', new URL(house.url).port], /is taken, perhaps by another `npm start`/],
      [['tracks', '--help'], /unknown command 'tracks'/],
      [['workflow', 'chek', text], /Did you mean check/],
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
  'with --json what went wrong is a line of the protocol too, also where the command line cannot be understood',
  async () => {
    for (const args of [
      ['ask', CLIP, 'what?', '--key', 'fv_wrong', '--json'],
      ['ask', CLIP, '', '--json'],
    ]) {
      const { code, out, err } = await fovea(args)
      expect(code).toBe(1)
      expect(EdgeMessage.parse(JSON.parse(out))).toMatchObject({ type: 'error' })
      expect(err).not.toBe('')
    }
  },
  WITHIN_MS,
)

test(
  'a bare command, and a bare group of them, say what there is',
  async () => {
    expect(await fovea([])).toMatchObject({ code: 0, out: expect.stringContaining('Usage: fovea'), err: '' })
    expect(await fovea(['model'])).toMatchObject({ code: 0, out: expect.stringContaining('inspect'), err: '' })
  },
  WITHIN_MS,
)

test(
  'ask takes several tasks before the question or with commas, and at most so many pictures of an animation',
  async () => {
    const { code, out } = await fovea(['ask', '--task', 'region', '--task', 'moment', CLIP, 'banana', '--max-fps', '2'])
    expect(code).toBe(0)
    expect(out).toMatch(/^ {2}region "banana" .* at 3\.50 s$/m)
    expect(out).toMatch(/^ {2}moment "banana"/m)
  },
  WITHIN_MS,
)

test(
  'doctor names one cause once',
  async () => {
    const { code, out } = await fovea(['doctor', '--key', 'fv_wrong'])
    expect(code).toBe(1)
    expect(out.match(/^FAIL/gm)).toHaveLength(1)
    expect(out).toMatch(/1 of \d+ checks failed, \d+ more need what failed/)
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

test.each([
  ['a clip', 1, []],
  ['a clip that is shorter than its lead-in', 0, ['--lead', '60']],
  ['one picture', 0, []],
])('a step that follows in %s ends, and where there was nothing left to follow that is said', { timeout: WITHIN_MS }, async (what, least, flags) => {
  const file = join(folder, 'follow.json')
  const steps = [
    { kind: 'follow', id: 'watch', query: 'banana', forMs: 500, next: 'again' },
    { kind: 'locate', id: 'again', query: 'banana' },
  ]
  await writeFile(file, JSON.stringify({ name: 'follow', version: 1, start: 'watch', steps: what === 'a clip' ? steps : [{ ...steps[0], next: undefined }] }))
  const picture = join(folder, 'one.jpg')
  await sharp(CLIP, { page: 0 }).jpeg().toFile(picture)
  const { code, out, err } = await fovea(['workflow', 'run', file, '--video', what === 'one picture' ? picture : CLIP, ...flags])
  expect(err).not.toContain('fovea:')
  expect(code).toBe(0)
  expect(Number(/^watch .* frames (\d+)/m.exec(out)?.[1])).toBeGreaterThanOrEqual(least)
  if (least === 0) expect(err).toContain('The recording was over while a step followed in it')
})

test(
  'the README’s own commands exist',
  async () => {
    const readme = await readFile(inRepository('README.md'), 'utf8')
    const { out } = await fovea(['--help'])
    for (const [, command = ''] of readme.matchAll(/npx fovea (\w+)/g)) expect(out).toMatch(new RegExp(`^  ${command} `, 'm'))
  },
  WITHIN_MS,
)
