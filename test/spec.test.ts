import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const read = (path: string) => readFileSync(resolve(root, path), 'utf8')
const rules = [...read('docs/spec.md').matchAll(/^- \[([A-Z]{2}\d+)\]/gm)].map((match) => match[1] ?? '')
const tests = globSync(['packages/**/*.test.ts', 'workers/**/*.test.ts', 'services/**/*.test.ts', 'test/**/*.test.ts', 'services/trainer/tests/**/*.py'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
}).filter((path) => !path.includes('node_modules') && path !== 'test/spec.test.ts')
const proof = tests.map(read).join('\n')

test('docs/spec.md has rules, each once', () => {
  expect(rules.length).toBeGreaterThan(30)
  expect(rules).toEqual([...new Set(rules)])
})

test('every rule of docs/spec.md is cited by a test', () => {
  expect(rules.filter((rule) => !proof.includes(`[${rule}]`))).toEqual([])
})

test('no test cites a rule that docs/spec.md lacks', () => {
  const cited = new Set([...proof.matchAll(/\[((?:WI|FR|EV|PE|AS|TR|RU|SE|EP|BU)\d+)\]/g)].map((match) => match[1] ?? ''))
  expect([...cited].filter((rule) => !rules.includes(rule))).toEqual([])
})
