import { pathToFileURL } from 'node:url'
import { takeOrders } from '../orders.ts'
import { GRAPHS, TRANSFORMERS_JS } from './built.ts'
import type { PeerReport } from './peer-child.ts'

export type JsOrder = { prompt: number; tokens: number }

/** What is used here of @huggingface/transformers, which is no dependency: it lies in a folder of its own. */
type Library = {
  env: { allowRemoteModels: boolean; localModelPath: string }
  AutoModelForCausalLM: { from_pretrained(name: string, options: object): Promise<{ generate(options: object): Promise<unknown> }> }
  Tensor: new (type: string, data: BigInt64Array, dims: number[]) => object
  BaseStreamer: new () => object
}

const { env, AutoModelForCausalLM, Tensor, BaseStreamer } = (await import(pathToFileURL(TRANSFORMERS_JS).href)) as Library
env.allowRemoteModels = false
env.localModelPath = GRAPHS
const model = await AutoModelForCausalLM.from_pretrained('transformers-js', {
  dtype: 'q4',
  device: 'cpu',
  local_files_only: true,
  session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 },
})

type Mark = { cpu: number; wall: number }
const now = (): Mark => ({ cpu: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000, wall: performance.now() })

/** The prompt comes first, then each token. */
class Stamps extends BaseStreamer {
  readonly marks: Mark[] = []
  put(): void {
    this.marks.push(now())
  }
  end(): void {}
}

takeOrders<JsOrder>(async ({ prompt, tokens }) => {
  const ids = BigInt64Array.from({ length: prompt }, (_, at) => BigInt(7 + ((at * 7919) % 150_000)))
  const streamer = new Stamps()
  await model.generate({
    inputs: new Tensor('int64', ids, [1, prompt]),
    attention_mask: new Tensor('int64', new BigInt64Array(prompt).fill(1n), [1, prompt]),
    do_sample: false,
    min_new_tokens: tokens,
    max_new_tokens: tokens,
    streamer,
  })
  const [begun, first, last] = [streamer.marks[0], streamer.marks[1], streamer.marks.at(-1)]
  if (!begun || !first || !last) throw new Error('transformers.js told of no tokens.')
  const steps = streamer.marks.length - 2
  return {
    prefillMs: first.cpu - begun.cpu,
    stepMs: (last.cpu - first.cpu) / steps,
    prefillWallMs: first.wall - begun.wall,
    stepWallMs: (last.wall - first.wall) / steps,
  } satisfies PeerReport
})
