import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { atLeast, round, type BenchContext, type Report } from '../bench.ts'
import { Child } from '../child.ts'
import { median } from '../percentile.ts'
import { built, GRAPHS, pythonOf, TRANSFORMERS_JS } from './built.ts'
import type { DecodeOrder, DecodeReport } from './decoder-child.ts'
import { knownPeers, rememberPeers } from './peers-file.ts'
import { PeerChild, type PeerReport } from './peer-child.ts'
import type { JsOrder } from './transformers-js.ts'

const PROMPT = 817
const TOKENS = 24
const ROUNDS = 3
const CHUNK = 256
/** Four sessions whose prompts differ in length decode together. */
const TOGETHER = [PROMPT, 300, 50, 517]

type Row = { prefillMs: number; tokensPerSecond: number; prefillWallMs: number; tokensPerWallSecond: number }
/**
 * Decoders of the 0.5B shape, one thread each, against peers with the same weights. All take turns in one run, and what counts is CPU time: the figure that holds on a
 * machine with other work. Peers that are not asked for are read from `peers.json`, and say on which machine and when they were measured; they are
 * scaled by what our int8 decoder did beside them then and does now.
 */
export async function decoders({ say, signal, venv }: BenchContext & { venv?: string }): Promise<Report> {
  const peers = venv !== undefined
  await built({ ...(venv && { venv }), peers, say, signal })
  const rows: Record<string, Row> = {}
  // Two groups, so that no more than a few gigabytes are held at once.
  Object.assign(rows, await side(['int4', 'int8'], peers ? ['genai', 'transformers-bf16'] : []))
  Object.assign(rows, await side(['fp32'], peers ? ['transformers-fp32'] : []))
  const known = peers ? undefined : await knownPeers('decoders')
  if (peers) await rememberPeers('decoders', rows)
  // Peers of another day ran on a faster or slower machine; our int8 decoder, which ran beside them and
  // leans on the same kernels and caches as int4, is the measure of that.
  const then = known?.rows['int8']?.['tokensPerSecond']
  const machine = then === undefined ? 1 : (rows['int8']?.tokensPerSecond ?? Number.NaN) / then
  const rate = (name: string): number => rows[name]?.tokensPerSecond ?? (known?.rows[name]?.['tokensPerSecond'] ?? Number.NaN) * machine
  return {
    goals: [
      atLeast('int4 against onnxruntime-genai int4, tokens a second', rate('int4') / rate('genai'), 0.9),
      atLeast('int4 against transformers bf16 static cache, tokens a second', rate('int4') / rate('transformers-bf16'), 1.5),
      atLeast('four sessions together against one, int4, tokens a second', rate('int4, four sessions') / rate('int4'), 1.6),
    ],
    samples: {
      decoders: {
        prompt: PROMPT,
        tokens: TOKENS,
        weights: 'random, 0.5B shape',
        threads: 1,
        rows,
        ...(known && { peersFrom: known, machineAgainstThen: round(machine) }),
      },
    },
  }

  async function side(precisions: readonly string[], kinds: readonly string[]): Promise<Record<string, Row>> {
    const children = precisions.map((name) => [name, new Child('model/decoder-child.ts', { FOVEA_BENCH_DECODER: join(GRAPHS, name) })] as const)
    const others = kinds.map(
      (name) =>
        [name, new PeerChild(pythonOf(venv), name, join(GRAPHS, name === 'genai' ? 'genai' : 'weights'), { prompt: PROMPT, tokens: TOKENS + 1 })] as const,
    )
    const script = kinds.includes('genai') ? transformersJs(say) : undefined
    const seen = new Map<string, PeerReport[]>()
    const note = (name: string, report: PeerReport): void => {
      seen.set(name, [...(seen.get(name) ?? []), report])
      say(`${name}: prompt ${round(report.prefillMs)} ms, token ${round(report.stepMs)} ms`)
    }
    try {
      for (let turn = 0; turn < ROUNDS; turn++) {
        for (const [name, child] of children) {
          signal.throwIfAborted()
          note(name, await ask(child, [PROMPT]))
          if (name === 'int4') note('int4, four sessions', await ask(child, TOGETHER))
        }
        for (const [name, other] of others) {
          signal.throwIfAborted()
          note(name, await other.answer())
        }
        if (script) {
          signal.throwIfAborted()
          script.tell({ prompt: PROMPT, tokens: TOKENS + 1 } satisfies JsOrder)
          note('transformers.js', await script.hear<PeerReport>())
        }
      }
    } finally {
      await Promise.all([...[...children, ...others].map(([, child]) => child.stop()), script?.stop()])
    }
    return Object.fromEntries([...seen].map(([name, reports]) => [name, rowOf(reports, name.endsWith('four sessions') ? TOGETHER.length : 1)]))
  }
}

/** transformers.js runs genai's int4 graph; it is no dependency, so it is a peer only where somebody put it. */
function transformersJs(say: (line: string) => void): Child | undefined {
  if (existsSync(TRANSFORMERS_JS)) return new Child('model/transformers-js.ts')
  say('transformers.js is left out; npm i --prefix ~/.cache/fovea/peers-node @huggingface/transformers makes it a peer')
  return undefined
}

async function ask(child: Child, prompts: readonly number[]): Promise<DecodeReport> {
  child.tell({ prompts, tokens: TOKENS, chunk: CHUNK } satisfies DecodeOrder)
  return child.hear<DecodeReport>()
}

function rowOf(reports: readonly PeerReport[], sessions: number): Row {
  const of = (pick: (report: PeerReport) => number): number => median(reports.map(pick))
  return {
    prefillMs: round(of((report) => report.prefillMs)),
    tokensPerSecond: round((sessions * 1000) / of((report) => report.stepMs)),
    prefillWallMs: round(of((report) => report.prefillWallMs)),
    tokensPerWallSecond: round((sessions * 1000) / of((report) => report.stepWallMs)),
  }
}
