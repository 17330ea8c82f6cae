import { parseArgs } from 'node:util'
import { ClipRun } from './evaluation/run-clip.ts'
import { readFolder, rowOf } from './evaluation/folder.ts'
import { OnnxModel } from './model/onnx-model.ts'
import { PROVIDERS, type Provider } from './model/ort.ts'
import { PictureDecoder } from './pictures/picture-decoder.ts'

/**
 * An evaluation folder through the serving code: `node evaluate.ts BUNDLE FOLDER [--limit CLIPS]`. First line `{"total": asks}`, then one record an ask
 * (docs/design/evaluation.md). Started by `npx fovea model eval`, which makes the table.
 */
const { positionals, values } = parseArgs({ allowPositionals: true, options: { limit: { type: 'string' } } })
const [bundle, folder] = positionals
if (!bundle || !folder) {
  process.stderr.write('Two folders are needed: the bundle and the evaluation folder.\n')
  process.exit(2)
}
const wanted = process.env['FOVEA_PROVIDERS']?.split(',') ?? ['cpu']
const providers = wanted.flatMap((name): Provider[] => PROVIDERS.filter((provider) => provider === name.trim()))
const write = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

try {
  const clips = (await readFolder(folder)).slice(0, values.limit === undefined ? undefined : Number(values.limit))
  write({ total: clips.reduce((sum, clip) => sum + clip.asks.length, 0) })
  const model = await OnnxModel.load(bundle, { providers, slots: 1, threads: Number(process.env['FOVEA_THREADS'] ?? 1) })
  const decoder = await PictureDecoder.open({ exact: true })
  for (const clip of clips) {
    const run = await ClipRun.open(model, decoder, folder, clip)
    for (const [index, ask] of clip.asks.entries()) {
      const { kind, phrases, expect } = ask
      write({
        clip: clip.clip,
        ask: index,
        row: rowOf(ask),
        ...(kind ? { kind } : {}),
        ...(clip.aspect === undefined ? {} : { aspect: clip.aspect }),
        ...(clip.scene === undefined ? {} : { scene: clip.scene }),
        ...(phrases ? { phrases } : {}),
        expect,
        prediction: await run.predict(ask),
      })
    }
  }
  await model.close()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
