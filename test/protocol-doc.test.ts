import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('docs/protocol.md quotes the Python client as it is, in forty lines', () => {
  const client = read('examples/python-client/client.py')
  expect(read('docs/protocol.md')).toContain(`\`\`\`python\n${client}\`\`\``)
  expect(client.trim().split('\n').length).toBeLessThanOrEqual(40)
})

test('docs/protocol.md cites only rules that docs/spec.md has', () => {
  const spec = read('docs/spec.md')
  const cited = [...read('docs/protocol.md').matchAll(/\[([A-Z]{2}\d+)\]/g)].map((match) => match[0])
  expect(cited.length).toBeGreaterThan(10)
  expect(cited.filter((rule) => !spec.includes(`- ${rule}`))).toEqual([])
})
