import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

// npm run pack:all -- OUT: the public packages as tarballs that plain Node 20 can install. The repository runs its TypeScript as it is;
// only what leaves it is compiled.

const ROOT = resolve(import.meta.dirname, '..')
/** In the order of their imports: each is compiled against the declarations of those before it. */
const PACKAGES = ['protocol', 'sdk', 'agent', 'workflow']

type Manifest = {
  name: string
  version: string
  main?: string
  types?: string
  files?: string[]
  exports: Record<string, unknown>
  imports?: Record<string, unknown>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

const out = resolve(process.argv[2] ?? join(ROOT, 'dist'))
const stage = join(out, '.stage')
rmSync(stage, { recursive: true, force: true })
mkdirSync(stage, { recursive: true })
// The declarations made here name zod and the like: they are found as if the stage stood in the repository.
symlinkSync(join(ROOT, 'node_modules'), join(stage, 'node_modules'))
for (const name of PACKAGES) {
  compile(name)
  writeManifest(name)
  for (const file of ['LICENSE', 'NOTICE']) if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(stage, name, file))
  const [report] = packed(join(stage, name))
  console.log(`${report?.filename ?? name}  ${((report?.size ?? 0) / 1024).toFixed(1)} kB`)
}
rmSync(stage, { recursive: true })

function compile(name: string): void {
  const source = join(ROOT, 'packages', name, 'src')
  const paths = Object.fromEntries(PACKAGES.filter((one) => one !== name).map((one) => [`@fovea/${one}`, [join(stage, one, 'dist/index.d.ts')]]))
  const config = {
    extends: join(ROOT, 'tsconfig.base.json'),
    compilerOptions: {
      noEmit: false,
      outDir: join(stage, name, 'dist'),
      rootDir: source,
      declaration: true,
      stripInternal: true,
      rewriteRelativeImportExtensions: true,
      target: 'ES2022',
      lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
      paths,
    },
    include: [source],
    exclude: [join(source, '**/*.test.ts')],
  }
  // Beside the package, so that `#…` imports and packages are found from where the source stands.
  const file = join(ROOT, 'packages', name, '.pack.tsconfig.json')
  writeFileSync(file, JSON.stringify(config))
  try {
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', file], { stdio: 'inherit' })
  } finally {
    rmSync(file)
  }
}

function writeManifest(name: string): void {
  const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8'))
  delete manifest.devDependencies
  const published: Manifest = {
    ...manifest,
    files: ['dist', 'NOTICE'],
    exports: mapped(manifest.exports, true),
    ...(manifest.imports && { imports: mapped(manifest.imports, false) }),
  }
  writeFileSync(join(stage, name, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`)
}

/** `./src/x.ts` → `./dist/x.js`, with its types beside it. */
function mapped(entries: Record<string, unknown>, withTypes: boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entries).map(([key, value]) => {
      if (typeof value === 'object' && value !== null) return [key, mapped({ ...value }, false)]
      const file = String(value).replace('./src/', './dist/').replace(/\.ts$/, '.js')
      return [key, withTypes ? { types: file.replace(/\.js$/, '.d.ts'), default: file } : file]
    }),
  )
}

function packed(folder: string): { filename: string; size: number }[] {
  return JSON.parse(execFileSync('npm', ['pack', folder, '--pack-destination', out, '--json', '--silent'], { encoding: 'utf8', cwd: out }))
}
