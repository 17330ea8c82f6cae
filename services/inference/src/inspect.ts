import { parseArgs } from 'node:util'
import { totalmem } from 'node:os'
import { readBundle } from './model/bundle.ts'
import { fileSizes, memoryNeed } from './model/memory-need.ts'
import { headMisfits } from './model/head-misfits.ts'
import { OnnxModel } from './model/onnx-model.ts'

/**
 * What a bundle needs, and whether its parts fit one another: `node inspect.ts BUNDLE [--load] [--slots N]` writes one line of JSON. With `--load` it is loaded and every head
 * runs once, as the service does before it is ready. Started by `npx fovea model inspect` and `compose`.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { load: { type: 'boolean' }, slots: { type: 'string' }, chunk: { type: 'string' } },
})
const [folder] = positionals
if (!folder) {
  process.stderr.write('A folder is needed: the bundle.\n')
  process.exit(2)
}
const slots = Number(values.slots ?? 8)
const chunk = Number(values.chunk ?? 256)

try {
  const { folder: root, manifest } = await readBundle(folder)
  const need = memoryNeed(manifest, await fileSizes(root, manifest), { slots, chunk })
  let misfits: string[] = []
  let loadMs: number | undefined
  if (values.load) {
    const start = performance.now()
    const model = await OnnxModel.load(root, { slots: 1, prefillChunk: chunk, memory: totalmem() })
    misfits = headMisfits(manifest, model.graphs)
    if (misfits.length === 0) await model.warmUp()
    loadMs = Math.round(performance.now() - start)
    await model.close()
  }
  process.stdout.write(`${JSON.stringify({ need, slots, misfits, ...(loadMs !== undefined && { loadMs }) })}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
