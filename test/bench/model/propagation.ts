import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { atLeast, atMost, round, type BenchContext, type Goal, type Report } from '../bench.ts'
import { Child } from '../child.ts'
import { pythonOf } from './built.ts'
import { knownPeers, rememberPeers } from './peers-file.ts'
import type { FollowOrder, FollowReport } from './propagation-child.ts'

const SIZES = [512, 1024] as const
const SEED = '6'
/** Ten frames: the seven entries of the memory are full. */
const FRAMES = { frames: 10, steady: 3 }
const FASTER = { 1: 1.8, 3: 2.5 } as const
const TRAINER = fileURLToPath(new URL('../../../services/trainer', import.meta.url))
const Peer = z.object({ frameMs: z.number(), wallMs: z.number() })

/** EdgeTAM of random weights, one CPU thread: CPU milliseconds a frame against the official PyTorch predictor on the same weights, and against its graphs run bare. */
export async function propagation({ say, venv, signal }: BenchContext & { venv?: string }): Promise<Report> {
  const ours: Record<string, Record<string, number>> = {}
  const theirs: Record<string, Record<string, number>> = {}
  const goals: Goal[] = []
  for (const size of SIZES) {
    const folder = await part(size, { say, venv })
    for (const objects of [1, 3] as const) {
      signal.throwIfAborted()
      const name = `${size} px, ${objects} object${objects > 1 ? 's' : ''}`
      const { frameMs, wallMs, bareMs, graphs } = await followed(folder, { objects, ...FRAMES })
      ours[name] = numbers({ frameMs, wallMs, bareMs, ...graphs })
      say(`${name}: ${round(frameMs)} ms of CPU a frame, its graphs bare ${round(bareMs)} ms`)
      goals.push(atMost(`propagation, ${name}: frame against its graphs run bare`, frameMs / bareMs, 1.1))
      if (venv === undefined) continue
      const official = await peer(venv, [String(size), SEED, String(objects), String(FRAMES.frames), String(FRAMES.steady)])
      theirs[`official PyTorch, ${name}`] = numbers(official)
      say(`${name}: official predictor ${round(official.frameMs)} ms`)
      goals.push(atLeast(`propagation, ${name}: times faster than the official predictor`, official.frameMs / frameMs, FASTER[objects]))
    }
  }
  if (venv === undefined) return { goals, samples: { propagation: { rows: ours, known: await knownPeers('propagation') } } }
  await rememberPeers('propagation', { ...ours, ...theirs })
  return { goals, samples: { propagation: { rows: { ...ours, ...theirs } } } }
}

async function followed(folder: string, order: FollowOrder): Promise<FollowReport> {
  const child = new Child('./model/propagation-child.ts', { FOVEA_BENCH_PART: folder })
  try {
    child.tell(order)
    return await child.hear<FollowReport>()
  } finally {
    await child.stop()
  }
}

async function peer(venv: string, order: string[]): Promise<z.infer<typeof Peer>> {
  const { stdout } = await python(venv, ['-m', 'trainer.sam.peer', 'edgetam', ...order])
  return Peer.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
}

/** The mask part of one size, exported once. */
async function part(size: number, { say, venv }: { say: (line: string) => void; venv?: string }): Promise<string> {
  const folder = join(homedir(), `.cache/fovea/bench-model/edgetam-${size}`)
  if (existsSync(join(folder, 'mask.json'))) return folder
  const binary = pythonOf(venv)
  if (!existsSync(binary))
    throw new Error(
      `${folder} has no graphs yet, and they are made with Python: python3 -m venv ~/.cache/fovea/venv && ~/.cache/fovea/venv/bin/pip install -e 'services/trainer[sam]' && ~/.cache/fovea/venv/bin/pip install --no-deps edgetam-dimos==1.0.1, then run the bench again.`,
    )
  say(`exporting EdgeTAM at ${size} px to ${folder}, once`)
  await python(venv, ['-m', 'trainer.cli', 'export-sam', 'edgetam', folder, '--size', String(size), '--seed', SEED, '--state-width', '64'])
  await rm(join(folder, 'golden'), { recursive: true })
  return folder
}

function python(venv: string | undefined, args: string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(pythonOf(venv), args, { cwd: TRAINER, env: { ...process.env, PYTHONPATH: '.', OMP_NUM_THREADS: '1' } })
}

const numbers = (row: Record<string, number>): Record<string, number> => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, round(value)]))
