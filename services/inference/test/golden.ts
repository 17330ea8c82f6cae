import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Box, boxIou, decodeRle, type Rle } from '@fovea/protocol'
import sharp from 'sharp'
import { z } from 'zod'
import { compile, speak } from '../src/asks/speak.ts'
import type { Scene, Sight } from '../src/heads/head.ts'
import { readBundle } from '../src/model/bundle.ts'
import type { OnnxModel } from '../src/model/onnx-model.ts'
import { openRunner } from '../src/model/ort.ts'
import { namedGraphs } from '../src/model/named-graphs.ts'
import { stack, type HostTensor } from '../src/model/tensor.ts'

const TensorEntry = z.object({ file: z.string(), dtype: z.enum(['float32', 'int64', 'uint8']), shape: z.array(z.int()), offset: z.int(), bytes: z.int() })
const Named = z.record(z.string(), TensorEntry)
const GoldenAsk = z.object({
  frames: z.array(z.string()),
  times: z.array(z.number()),
  text: z.string(),
  forced: z.enum(['region', 'mask', 'moment']).optional(),
  boxes: z.array(Box).optional(),
  tokens: z.array(z.int()),
  answer: z.string(),
  evidence: z.array(
    z.object({
      task: z.string(),
      query: z.string(),
      object: z.number(),
      boxes: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])).optional(),
      mask: z.object({ size: z.tuple([z.int(), z.int()]), counts: z.string() }).nullish(),
      spans: z.array(z.array(z.number())).optional(),
    }),
  ),
})
const Index = z.object({ graphs: z.record(z.string(), z.object({ inputs: Named, outputs: Named })), asks: z.array(GoldenAsk) })
export type GoldenAsk = z.infer<typeof GoldenAsk>
export type Golden = { folder: string; index: z.infer<typeof Index> }

/** The golden inputs and outputs that a bundle carries. */
export async function readGolden(folder: string): Promise<Golden> {
  return { folder, index: Index.parse(JSON.parse(await readFile(join(folder, 'golden/index.json'), 'utf8'))) }
}

/** Largest absolute difference of each output of a graph to its golden value. */
export async function graphDifferences({ folder, index }: Golden, graph: string): Promise<Record<string, number>> {
  const { manifest } = await readBundle(folder)
  const file = namedGraphs(manifest).find(([name]) => name === graph)?.[1].file
  const golden = index.graphs[graph]
  if (!file || !golden) throw new Error(`The bundle has no golden graph ${graph}.`)
  const runner = await openRunner(join(folder, file), { provider: 'cpu', threads: 1 })
  const feeds: Record<string, HostTensor> = {}
  for (const [name, entry] of Object.entries(golden.inputs)) feeds[name] = await tensorOf(folder, entry)
  const made = await runner.run(feeds)
  const differences: Record<string, number> = {}
  for (const [name, entry] of Object.entries(golden.outputs)) {
    const wanted = (await tensorOf(folder, entry)).data
    const tensor = made[name]
    const got = tensor?.type === 'device' ? undefined : tensor?.data
    if (!got || got.length !== wanted.length) throw new Error(`${graph}.${name}: ${wanted.length} values expected, ${got?.length ?? 'none'} came.`)
    let worst = 0
    for (let at = 0; at < wanted.length; at++) worst = Math.max(worst, Math.abs(Number(got[at]) - Number(wanted[at])))
    differences[name] = worst
  }
  await runner.close()
  return differences
}

/** A golden ask through the serving code: tokens, words, and what each head saw. */
export async function replay(
  model: OnnxModel,
  folder: string,
  ask: GoldenAsk,
): Promise<{ tokens: number[]; answer: string; evidence: { task: string; query: string; sight: Sight }[] }> {
  const { height, width } = model.image
  const scenes =
    model.unit === 'clip'
      ? await model.encode(await Promise.all(ask.frames.map((frame) => pixelsOf(join(folder, frame)))))
      : await scenesOf(
          model,
          ask.frames.map((frame) => join(folder, frame)),
        )
  const last = scenes.at(-1)
  if (!last) throw new Error('A golden ask has pictures.')
  const window = model.window(scenes, ask.times)
  const { ids, text, marks } = ask.forced
    ? { ids: [], text: '', marks: [await compile(model.language, window, ask.text, ask.forced)] }
    : await speak(model.language, window, ask.text, ask.boxes)
  const evidence: { task: string; query: string; sight: Sight }[] = []
  for (const { task, query, state } of marks) {
    const [sight] = (await model.heads.list.find((each) => each.task === task)?.run({ scene: last, window, size: { height, width } }, stack([state]))) ?? []
    if (sight) evidence.push({ task, query, sight })
  }
  return { tokens: ids, answer: text, evidence }
}

// Golden asks share their pictures; each is encoded once for a model.
const seen = new WeakMap<OnnxModel, Map<string, Scene>>()
async function scenesOf(model: OnnxModel, files: readonly string[]): Promise<Scene[]> {
  const known = seen.get(model) ?? new Map<string, Scene>()
  seen.set(model, known)
  const scenes: Scene[] = []
  for (const file of files) {
    const [scene] = known.has(file) ? [known.get(file)] : await model.encode([await pixelsOf(file)])
    if (!scene) throw new Error('A picture gives a scene.')
    known.set(file, scene)
    scenes.push(scene)
  }
  return scenes
}

const pixelsOf = async (file: string): Promise<Uint8Array> => new Uint8Array(await sharp(file).removeAlpha().raw().toBuffer())

/** How well a box of ours covers each golden one, at worst. */
export function worstBoxIou(ours: readonly Box[], golden: readonly Box[]): number {
  return Math.min(1, ...golden.map((box) => Math.max(0, ...ours.map((other) => boxIou(other, box)))))
}

export function maskIou(a: Rle, b: Rle): number {
  const [ours, theirs] = [decodeRle(a), decodeRle(b)]
  let [both, either] = [0, 0]
  ours.forEach((bit, at) => {
    both += bit & (theirs[at] ?? 0)
    either += bit | (theirs[at] ?? 0)
  })
  return either === 0 ? 1 : both / either
}

async function tensorOf(folder: string, { file, dtype, shape, offset, bytes }: z.infer<typeof TensorEntry>): Promise<HostTensor> {
  const stored = await readFile(join(folder, file))
  const raw = Uint8Array.from((file.endsWith('.gz') ? gunzipSync(stored) : stored).subarray(offset, offset + bytes)).buffer
  switch (dtype) {
    case 'float32':
      return { type: 'float32', data: new Float32Array(raw), dims: shape }
    case 'int64':
      return { type: 'int64', data: new BigInt64Array(raw), dims: shape }
    case 'uint8':
      return { type: 'uint8', data: new Uint8Array(raw), dims: shape }
  }
}
