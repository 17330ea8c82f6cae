import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BundleManifest, Graph as GraphManifest } from '@fovea/protocol'
import { z } from 'zod'
import { Decoder } from '../../../services/inference/src/model/decoder.ts'
import { floatOf, Graph } from '../../../services/inference/src/model/graph.ts'
import { KvSlots } from '../../../services/inference/src/model/kv-slots.ts'
import { openRunner } from '../../../services/inference/src/model/ort.ts'
import { ints } from '../../../services/inference/src/model/tensor.ts'
import { takeOrders } from '../orders.ts'

/** One answer, or several side by side: prompts of these lengths, then so many tokens for each. */
export type DecodeOrder = { prompts: readonly number[]; tokens: number; chunk: number }
/** Milliseconds a prefill and a step, of CPU and of the clock; `tokens`: what the first session said. */
export type DecodeReport = { prefillMs: number; stepMs: number; prefillWallMs: number; stepWallMs: number; tokens: number[] }

const Part = z.object({ graphs: z.object({ embed: GraphManifest, decoder: GraphManifest }), kv: BundleManifest.shape.language.shape.kv })
const folder = process.env['FOVEA_BENCH_DECODER'] ?? ''
const { graphs, kv } = Part.parse(JSON.parse(readFileSync(join(folder, 'decoder.json'), 'utf8')))
const open = async (name: 'embed' | 'decoder'): Promise<Graph> =>
  new Graph(name, graphs[name], await openRunner(join(folder, graphs[name].file), { provider: 'cpu', threads: 1 }))
const embed = await open('embed')
const graph = await open('decoder')
const slots = new KvSlots(kv, 4)
const size = (role: 'embeds' | 'logits'): number => Number((role === 'embeds' ? graph.dims(role) : graph.outputDims(role))?.[2])
const width = size('embeds')
const known = Math.min(150_000, size('logits') - 7) // ids that prompts are made of
const decoder = new Decoder(graph, slots, { width, vocabulary: size('logits'), inPlace: kv.mode === 'inplace' })

const words = async (ids: readonly number[]): Promise<Float32Array> => floatOf(await embed.run({ ids: ints(ids, [1, ids.length]) }), 'embeds', embed).data

takeOrders<DecodeOrder>(async ({ prompts, tokens, chunk }) => {
  const taken = prompts.map(() => slots.acquire() ?? 0)
  let next: number[] = []
  const prefill = await cost(async () => {
    for (const [index, length] of prompts.entries()) {
      const embeds = await words(Array.from({ length }, (_, at) => 7 + ((at * 7919) % known)))
      for (let from = 0; from < length; from += chunk) {
        const part = embeds.subarray(from * width, Math.min(length, from + chunk) * width)
        const [step] = await decoder.run([{ slot: taken[index] ?? 0, embeds: part }], part.length / width, 0)
        next[index] = step?.next ?? 0
      }
    }
  })
  const said: number[] = []
  const steps = await cost(async () => {
    for (let token = 0; token < tokens; token++) {
      said.push(next[0] ?? 0)
      const rows = []
      for (const [index, id] of next.entries()) rows.push({ slot: taken[index] ?? 0, embeds: await words([id]) })
      next = (await decoder.run(rows, 1, 0)).map((step) => step.next)
    }
  })
  for (const slot of taken) slots.release(slot)
  return {
    prefillMs: prefill.cpu,
    stepMs: steps.cpu / tokens,
    prefillWallMs: prefill.wall,
    stepWallMs: steps.wall / tokens,
    tokens: said,
  } satisfies DecodeReport
})

async function cost(work: () => Promise<void>): Promise<{ cpu: number; wall: number }> {
  const start = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / 1000, wall: performance.now() - start }
}
