import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

// Who may import whom, and where the platform may be touched: docs/design/architecture.md. Each rule lists its offenders.

const root = resolve(import.meta.dirname, '..')

/** Folder → the packages of ours that its source may import. */
const may: Record<string, string[]> = {
  'packages/protocol': [],
  'packages/sdk': ['@fovea/protocol'],
  'packages/agent': ['@fovea/protocol'],
  'packages/workflow': ['@fovea/protocol'],
  'packages/cli': ['@fovea/protocol', '@fovea/sdk', '@fovea/workflow'],
  'workers/edge': ['@fovea/protocol', '@fovea/agent', '@fovea/workflow'],
  'workers/studio': ['@fovea/protocol', '@fovea/sdk'],
  'services/inference': ['@fovea/protocol'],
}

/** Files that may pass 300 lines, each with its reason. */
const long: Record<string, string> = {}

type Source = { path: string; home: string; test: boolean; text: string; imports: string[] }

const sources: Source[] = Object.keys(may).flatMap((home) =>
  globSync(`${home}/{src,scripts}/**/*.{ts,tsx}`, { cwd: root }).map((path) => {
    const text = readFileSync(resolve(root, path), 'utf8')
    return { path, home, test: path.endsWith('.test.ts'), text, imports: importsOf(text) }
  }),
)
const running = sources.filter((source) => !source.test && source.path.startsWith(`${source.home}/src/`))

function importsOf(text: string): string[] {
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g,
  )
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}
const importersOf = (name: RegExp, among = running) =>
  among.filter((source) => source.imports.some((specifier) => name.test(specifier))).map((source) => source.path)

test('there is source to look at', () => {
  expect(running.length).toBeGreaterThan(40)
  expect(
    importsOf("import { a } from 'x'\nexport * from './y.ts'\nimport 'z'\nimport type { B } from 'w'\nawait import('v')\nimport {\n  c,\n} from 'u'"),
  ).toEqual(['x', './y.ts', 'z', 'w', 'v', 'u'])
})

test('our packages import only what lies under them', () => {
  const offenders = sources.flatMap(({ path, home, imports }) =>
    imports
      .filter((specifier) => specifier.startsWith('@fovea/') && !may[home]?.some((name) => specifier === name || specifier.startsWith(`${name}/`)))
      .map((specifier) => `${path} imports ${specifier}`),
  )
  expect(offenders).toEqual([])
})

test('a relative import never leaves its package', () => {
  const offenders = sources.flatMap(({ path, home, imports, test: isTest }) =>
    imports
      .filter((specifier) => specifier.startsWith('.'))
      .filter((specifier) => {
        const target = relative(resolve(root, home), resolve(root, dirname(path), specifier))
        // Scripted sessions and models are for tests, wherever these stand.
        if (isTest && resolve(root, dirname(path), specifier).startsWith(resolve(root, 'test/scripted/'))) return false
        return target.startsWith('..') || (!isTest && target.startsWith('test/'))
      })
      .map((specifier) => `${path} imports ${specifier}`),
  )
  expect(offenders).toEqual([])
})

test('the protocol leans on zod alone', () => {
  const outside = running
    .filter(({ home }) => home === 'packages/protocol')
    .flatMap(({ path, imports }) =>
      imports.filter((specifier) => !specifier.startsWith('.') && specifier !== 'zod').map((specifier) => `${path} imports ${specifier}`),
    )
  expect(outside).toEqual([])
})

test('one file imports onnxruntime-node', () => {
  expect(importersOf(/^onnxruntime-node/).filter((path) => path !== 'services/inference/src/model/ort.ts')).toEqual([])
})

test('only the doors of Durable Objects and Workflows import cloudflare:workers', () => {
  expect(importersOf(/^cloudflare:/).filter((path) => !/-(object|workflow)\.ts$/.test(path))).toEqual([])
})

test('one file imports Miniflare', () => {
  expect(importersOf(/^miniflare/).filter((path) => path !== 'packages/cli/src/house.ts')).toEqual([])
})

test('the browser side of the SDK touches neither Node nor zod', () => {
  const browser = running.filter(({ path }) => path.startsWith('packages/sdk/src/') && !path.startsWith('packages/sdk/src/node/'))
  expect(importersOf(/^(node:|zod|ws$|sharp$)/, browser)).toEqual([])
})

test('no dumping ground: a file is named for what it exports', () => {
  expect(
    sources
      .map(({ path }) => path)
      .filter((path) => /^(utils?|helpers?|common|misc|shared)\.tsx?$/.test(basename(path)) || /\/(utils?|helpers?|common|misc)\//.test(path)),
  ).toEqual([])
})

test('no file passes 300 lines without a reason', () => {
  const lengths = running
    .filter(({ text, path }) => text.split('\n').length > 301 && !(path in long))
    .map(({ path, text }) => `${path}: ${text.split('\n').length} lines`)
  expect(lengths).toEqual([])
  expect(Object.keys(long).filter((path) => !running.some((source) => source.path === path && source.text.split('\n').length > 301))).toEqual([])
})

test('a shop window computes nothing: index.ts of a package is exports', () => {
  const windows = running.filter(({ path, home }) => home.startsWith('packages/') && path === `${home}/src/index.ts`)
  const statements = windows.flatMap(({ path, text }) =>
    text
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
      .split(/\n(?=\S)/)
      .filter((line) => line.trim() && !/^(export (type )?[*{]|[}\]])/.test(line))
      .map((line) => `${path}: ${line}`),
  )
  expect(windows.length).toBeGreaterThan(0)
  expect(statements).toEqual([])
})

test('nothing is left for later in the source', () => {
  expect(running.filter(({ text }) => /\b(TODO|FIXME|XXX)\b/.test(text)).map(({ path }) => path)).toEqual([])
})
