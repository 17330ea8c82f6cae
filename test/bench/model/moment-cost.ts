import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { round, type BenchContext, type Report } from '../bench.ts'
import { pythonOf } from './built.ts'
import { knownPeers, rememberPeers } from './peers-file.ts'

const Cost = z.object({ gflops: z.number(), ms: z.number() })
const Costs = z.object({ momentHead: Cost, cgDetr: Cost, cgDetrEncoder: Cost, frames: z.int() })

/** The moment head on shared features against CG-DETR with an encoder of its own, one CPU thread. Reported, without a goal. */
export async function momentCost({ say, venv }: BenchContext & { venv?: string }): Promise<Report> {
  if (venv === undefined) return { goals: [], samples: { moment: await knownPeers('moment') } }
  say('moment head against CG-DETR')
  const { stdout } = await promisify(execFile)(pythonOf(venv), [fileURLToPath(new URL('moment_cost.py', import.meta.url))], {
    cwd: fileURLToPath(new URL('../../../services/trainer', import.meta.url)),
    env: { ...process.env, PYTHONPATH: '.', OMP_NUM_THREADS: '1' },
  })
  const { momentHead, cgDetr, cgDetrEncoder } = Costs.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
  const rows = Object.fromEntries(
    Object.entries({ 'moment head, shared features': momentHead, 'CG-DETR': cgDetr, "CG-DETR's video encoder, reckoned": cgDetrEncoder }).map(
      ([name, cost]) => [name, { gflops: round(cost.gflops), ms: round(cost.ms) }],
    ),
  )
  await rememberPeers('moment', rows)
  return { goals: [], samples: { moment: { rows } } }
}
