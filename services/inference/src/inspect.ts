import { parseArgs } from 'node:util'
import { readMemory } from './config.ts'
import { readBundle } from './model/bundle.ts'
import { lookAtFiles, memoryNeed } from './model/memory-need.ts'
import { headMisfits } from './model/head-misfits.ts'
import { OnnxModel } from './model/onnx-model.ts'

/**
 * What a bundle needs, and whether its parts fit one another: `node inspect.ts BUNDLE [--load] [--slots N]` writes one line of JSON. Memory is reckoned as the service of this
 * environment would, on a CPU and on a GPU. With `--load` the bundle is loaded and every graph runs once, as before the service is ready. Started by `npx fovea model inspect` and `compose`.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { load: { type: 'boolean' }, slots: { type: 'string' } },
})
const [folder] = positionals
if (!folder) {
  process.stderr.write('A folder is needed: the bundle.\n')
  process.exit(2)
}

try {
  const { shares, budget } = readMemory(process.env)
  const slots = values.slots === undefined ? shares.slots : Number(values.slots)
  const { folder: root, manifest } = await readBundle(folder)
  const files = await lookAtFiles(root, manifest)
  const [need, onGpu] = (['cpu', 'cuda'] as const).map((provider) => memoryNeed(manifest, files, { ...shares, slots, provider }))
  let misfits: string[] = []
  let loadMs: number | undefined
  if (values.load) {
    const start = performance.now()
    const model = await OnnxModel.load(root, { slots: 1, prefillChunk: shares.chunk, memory: budget })
    misfits = headMisfits(manifest, model.graphs)
    if (misfits.length === 0) await model.warmUp()
    loadMs = Math.round(performance.now() - start)
    await model.close()
  }
  process.stdout.write(`${JSON.stringify({ need, gpuBytes: onGpu?.bytes, slots, machineBytes: budget, misfits, ...(loadMs !== undefined && { loadMs }) })}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
