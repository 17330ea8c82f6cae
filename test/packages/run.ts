import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { inRepository } from '../../packages/cli/src/repository.ts'
import { openTestHouse } from '../house/open-test-house.ts'
import { readmeProgram } from './program.ts'

// npm run test:packages: the packages as a stranger gets them. Packs them, installs the tarballs into an empty folder, runs the README's
// program there in plain JavaScript (on Node 20 where there is one), checks it with tsc, and bundles the browser entry.

const BROWSER_LIMIT = 20 * 1024
const folder = mkdtempSync(join(tmpdir(), 'fovea-packages-'))
const say = (text: string) => console.log(text)
try {
  const tarballs = join(folder, 'tarballs')
  const app = join(folder, 'app')
  mkdirSync(tarballs)
  mkdirSync(join(app, 'samples'), { recursive: true })
  run(process.execPath, [inRepository('scripts/pack.ts'), tarballs])
  const files = readdirSync(tarballs).filter((name) => name.endsWith('.tgz'))
  say(`ok packed ${files.join(', ')}`)

  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
  cpSync(inRepository('samples'), join(app, 'samples'), { recursive: true })
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', ...files.map((name) => join(tarballs, name)), '@langchain/core@^1.1.0'], app)
  say('ok installed into an empty folder')

  writeFileSync(join(app, 'program.js'), readmeProgram())
  for (const name of ['protocol', 'sdk', 'sdk/node', 'agent', 'workflow']) {
    run(
      nodeOfThePath(),
      ['--input-type=module', '-e', `const found = await import('@fovea/${name}'); if (Object.keys(found).length === 0) throw new Error('empty')`],
      app,
    )
  }
  say(`ok every package loads in Node ${nodeVersion()}`)

  // As `npm start` in this folder would: the program reads the key that lies in it.
  await using house = await openTestHouse({ dataDir: join(app, '.fovea') })
  const output = run(nodeOfThePath(), ['program.js'], app, { FOVEA_URL: house.url })
  if (output.trim().length === 0) throw new Error('The README program printed nothing.')
  say(`ok the README program, in plain JavaScript:\n${output.trimEnd().replaceAll(/^/gm, '   | ')}`)

  const options = {
    strict: true,
    noEmit: true,
    allowJs: true,
    checkJs: true,
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    target: 'ES2022',
    lib: ['ES2023', 'DOM', 'ESNext.Disposable'],
    types: ['node'],
    typeRoots: [inRepository('node_modules/@types')],
    skipLibCheck: false,
  }
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['program.js'] }))
  run(process.execPath, [inRepository('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'], app)
  say('ok tsc checks it, strictly, our declarations included')

  const bundle = await build({
    stdin: { contents: "export * from '@fovea/sdk/browser'", resolveDir: app },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  })
  const bytes = gzipSync(bundle.outputFiles[0]?.contents ?? '').byteLength
  if (bytes > BROWSER_LIMIT) throw new Error(`The browser entry is ${bytes} bytes gzipped; ${BROWSER_LIMIT} is the limit.`)
  say(`ok the browser entry bundles: ${(bytes / 1024).toFixed(1)} kB gzipped`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function run(command: string, args: string[], cwd = folder, env: Record<string, string> = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, ...env }, timeout: 240_000 })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ').slice(0, 200)} ended with ${error?.message ?? `status ${status}`}\n${stdout}\n${stderr}`)
}

/** The machine's own Node, not the one that npm put in front of the PATH: packages must work on what strangers have. */
function nodeOfThePath(): string {
  const path = (process.env.PATH ?? '').split(':').filter((part) => !part.includes('node_modules'))
  return execFileSync('which', ['node'], { encoding: 'utf8', env: { ...process.env, PATH: path.join(':') } }).trim()
}

function nodeVersion(): string {
  return execFileSync(nodeOfThePath(), ['--version'], { encoding: 'utf8' }).trim()
}
