import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Box, Point, Rle } from '@fovea/protocol'
import { z } from 'zod'
import { openMaskPart } from '../model/mask-part.ts'
import { followObjects } from './follow-objects.ts'

/**
 * `node follow-part.ts PART --frames RGB --objects JSON --out FILE`: objects through raw RGB pictures, the decoder's logits of each as float32 in FILE, one
 * JSON line a frame with scores and times. What `fovea-train parity sam` compares with the official predictor.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { frames: { type: 'string' }, objects: { type: 'string' }, out: { type: 'string' }, threads: { type: 'string', default: '1' } },
})
const [folder] = positionals
const { frames, objects, out } = values
if (!folder || !frames || !objects || !out) throw new TypeError('Usage: follow-part.ts PART --frames RGB --objects JSON --out FILE')

const Joining = z.strictObject({ frame: z.int().min(0), box: Box.optional(), points: z.array(Point).optional(), mask: Rle.optional() })
const graphMs = new Map<string, number>()
const part = await openMaskPart(folder, {
  threads: Number(values.threads),
  watch: async (name, run) => {
    const start = performance.now()
    const result = await run()
    graphMs.set(name, (graphMs.get(name) ?? 0) + performance.now() - start)
    return result
  },
})
const [height, width] = part.size
const file = openSync(out, 'w')
let start = performance.now()
for await (const { frame, steps } of followObjects(part, pictures(readFileSync(frames), height * width * 3), z.array(Joining).parse(JSON.parse(objects)))) {
  const ms = performance.now() - start
  for (const { step } of steps) writeSync(file, new Uint8Array(step.logits.buffer, step.logits.byteOffset, step.logits.byteLength))
  console.log(
    JSON.stringify({
      frame,
      ms,
      graphs: Object.fromEntries(graphMs),
      objects: steps.map(({ object, step: { score, iou, shape } }) => ({ object, score, iou, shape })),
    }),
  )
  graphMs.clear()
  start = performance.now()
}
closeSync(file)
await part.close()

function* pictures(all: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at + size <= all.length; at += size) yield all.subarray(at, at + size)
}
