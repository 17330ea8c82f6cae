import { readFileSync } from 'node:fs'
import { inRepository } from '../../packages/cli/src/repository.ts'

/** The program of the README: what stands between its two marks. */
export function readmeProgram(): string {
  const readme = readFileSync(inRepository('README.md'), 'utf8')
  const found = /<!-- program[^>]*-->\s*```js\n([\s\S]*?)```/.exec(readme)?.[1]
  if (!found) throw new Error('README.md has no program between <!-- program … --> and its code fence.')
  return found
}
