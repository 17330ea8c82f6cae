import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Follows "Adding a head" of AGENTS.md in a copy of the sources: the page is true as long as this passes.

const root = resolve(import.meta.dirname, '..')
const copy = mkdtempSync(join(tmpdir(), 'fovea-walkthrough-'))
const node = process.execPath

beforeAll(() => {
  for (const part of ['packages/protocol', 'packages/model-nano', 'services/inference']) {
    cpSync(join(root, part), join(copy, part), { recursive: true, filter: (path) => !/node_modules|training$/.test(path) })
  }
  cpSync(join(root, 'tsconfig.base.json'), join(copy, 'tsconfig.base.json'))
  cpSync(join(root, 'package.json'), join(copy, 'package.json'))
  const { compilerOptions: options }: { compilerOptions: object } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
  writeFileSync(
    join(copy, 'tsconfig.json'),
    JSON.stringify({
      extends: './tsconfig.base.json',
      compilerOptions: options,
      include: ['packages/*/src', 'services/*/src'],
      exclude: ['**/*.test.ts'],
    }),
  )
  linkModules()
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

test('a head added by the steps of AGENTS.md type-checks and runs on the embedded bundle', () => {
  const edits = applyWalkthrough(readFileSync(join(root, 'AGENTS.md'), 'utf8'))
  expect(edits).toBe(5)

  expect(ran([join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', join(copy, 'tsconfig.json')])).toBe('')

  const manifestFile = join(copy, 'packages/model-nano/manifest.json')
  const manifest: { heads: { task: string; threshold?: number }[] } = JSON.parse(readFileSync(manifestFile, 'utf8'))
  const region = manifest.heads.find((head) => head.task === 'region')
  const { task: _task, nms: _nms, inside: _inside, maxBoxes: _maxBoxes, ...shared } = { nms: 0, inside: 1, maxBoxes: 0, ...region, task: 'region' }
  // Threshold 0: any state points somewhere, whatever it means.
  manifest.heads.push({ ...shared, task: 'centre', threshold: 0 })
  writeFileSync(manifestFile, JSON.stringify(manifest))
  const program = join(copy, 'services/inference/run-centre.ts')
  writeFileSync(program, RUN)
  const out: { tasks: string[]; ratio: number; centre: [number, number]; box: [number, number, number, number] } = JSON.parse(
    ran([program, join(copy, 'packages/model-nano')]),
  )
  expect(out.tasks).toContain('centre')
  expect(out.centre[0]).toBeCloseTo((out.box[0] + out.box[2]) / 2, 3)
  expect(out.centre[1]).toBeCloseTo((out.box[1] + out.box[3]) / 2, 3)
}, 240_000)

/** What a Node program of the copy prints; where it fails, its errors are the failure. */
function ran(args: string[]): string {
  const { status, stdout, stderr } = spawnSync(node, args, { cwd: copy, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  return stdout
}

/** Writes the `ts file=` blocks and applies the `diff file=` blocks; returns how many files were touched. */
function applyWalkthrough(page: string): number {
  let touched = 0
  for (const [, kind, file = '', body = ''] of page.matchAll(/^```(ts|diff) file=(\S+)\n([\s\S]*?)^```$/gm)) {
    const path = join(copy, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, kind === 'ts' ? body : patched(readFileSync(path, 'utf8'), body, file))
    touched++
  }
  return touched
}

/** Lines `-old` are replaced by the `+new` lines under them; `+` lines with no `-` before them go to the top of the file. */
function patched(text: string, diff: string, file: string): string {
  const lines = diff.trimEnd().split('\n')
  for (let index = 0; index < lines.length;) {
    const old = lines[index]?.startsWith('-') ? lines[index++]?.slice(1) : undefined
    const added: string[] = []
    while (lines[index]?.startsWith('+')) added.push(lines[index++]?.slice(1) ?? '')
    if (old !== undefined && !text.includes(old)) throw new Error(`AGENTS.md says ${file} has the line "${old}"; it has not.`)
    text = old === undefined ? `${added.join('\n')}\n${text}` : text.replace(old, () => added.join('\n'))
  }
  return text
}

/** The copy resolves third parties from the real tree and our own packages from itself. */
function linkModules(): void {
  mkdirSync(join(copy, 'node_modules/@fovea'), { recursive: true })
  symlinkSync(join(copy, 'packages/protocol'), join(copy, 'node_modules/@fovea/protocol'))
  const inference: { dependencies: Record<string, string>; optionalDependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'services/inference/package.json'), 'utf8'),
  )
  for (const name of ['zod', '@types', 'undici-types', ...Object.keys({ ...inference.dependencies, ...inference.optionalDependencies })]) {
    if (name.startsWith('@fovea/')) continue
    const target = [join(root, 'services/inference/node_modules', name), join(root, 'node_modules', name)].find(existsSync)
    if (!target) continue
    mkdirSync(dirname(join(copy, 'node_modules', name)), { recursive: true })
    symlinkSync(target, join(copy, 'node_modules', name))
  }
}

const RUN = `
import { readFileSync } from 'node:fs'
import { OnnxModel } from './src/model/onnx-model.ts'
import { floats } from './src/model/tensor.ts'

const model = await OnnxModel.load(process.argv[2])
const { height, width } = model.image
const [scene] = await model.encode([Uint8Array.from({ length: height * width * 3 }, (_, index) => (index * 7919) % 251)])
const d = JSON.parse(readFileSync(process.argv[2] + '/manifest.json', 'utf8')).language.width
const state = floats(Float32Array.from({ length: d }, (_, index) => Math.sin(index * 78.233)), [1, d])
const [sight] = await model.heads.list.find((head) => head.task === 'centre').run({ scene, size: { height, width } }, state)
const results = await model.graphs.get('region.main').run({ ...scene.features, state })
console.log(JSON.stringify({ tasks: model.info.tasks, centre: sight.centre, box: [...results.boxes.data.slice(0, 4)] }))
`
