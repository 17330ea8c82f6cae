import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { compile } from '../asks/speak.ts'
import { OnnxModel } from '../model/onnx-model.ts'
import { resizeRgb } from '../pictures/resize.ts'

/**
 * `node phrase-states.ts BUNDLE --frames RGB --size N --windows JSON --out FILE`: the task embeddings that a bundle's language model gives phrases, as served. Windows are
 * `{times, phrases}`, each of as many square pictures of RGB as the bundle samples; FILE holds float32 [phrases, d]. What `fovea-train train-adapter` learns from.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { frames: { type: 'string' }, size: { type: 'string' }, windows: { type: 'string' }, out: { type: 'string' } },
})
const [folder] = positionals
if (!folder || !values.frames || !values.size || !values.windows || !values.out)
  throw new TypeError('Usage: phrase-states.ts BUNDLE --frames RGB --size N --windows JSON --out FILE')

const size = Number(values.size)
const windows = z.array(z.object({ times: z.array(z.number()), phrases: z.array(z.string()) })).parse(JSON.parse(readFileSync(values.windows, 'utf8')))
const pictures = readFileSync(values.frames)
const model = await OnnxModel.load(folder, { slots: 1 })
if (!model.language.taskToken('mask')) throw new Error(`The language model of ${folder} has no task token for masks.`)
const states: Float32Array[] = []
let at = 0
for (const { times, phrases } of windows) {
  const { height, width } = model.image
  const seen = times.map(() => {
    const picture = new Uint8Array(height * width * 3)
    resizeRgb(pictures.subarray(at, at + size * size * 3), [size, size], picture, [height, width])
    at += size * size * 3
    return picture
  })
  const scenes = model.unit === 'clip' ? await model.encode(seen) : (await Promise.all(seen.map((picture) => model.encode([picture])))).flat()
  const window = model.window(scenes, times)
  for (const phrase of phrases) states.push((await compile(model.language, window, phrase, 'mask')).state)
}
await model.close()
writeFileSync(values.out, Buffer.concat(states.map((state) => new Uint8Array(state.buffer, state.byteOffset, state.byteLength))))
console.log(JSON.stringify({ states: states.length, width: states[0]?.length ?? 0 }))
