import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { EvalRecord } from './metrics/record.ts'
import { inRepository } from './repository.ts'

type Options = { bundle: string; folder: string; providers?: string; limit?: number; onProgress?: (done: number, total: number | undefined) => void }

/** Runs an evaluation folder through the serving code, in a process of its own: one record an ask. */
export async function evaluate({ bundle, folder, providers, limit, onProgress = () => {} }: Options): Promise<EvalRecord[]> {
  const args = [inRepository('services/inference/src/evaluate.ts'), bundle, folder, ...(limit ? ['--limit', String(limit)] : [])]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...(providers && { FOVEA_PROVIDERS: providers }) } })
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
  const complaints: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line))
  const records: EvalRecord[] = []
  let total: number | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue
    const value: unknown = JSON.parse(line)
    if (isRecord(value)) records.push(value)
    else if (typeof value === 'object' && value !== null && 'total' in value && typeof value.total === 'number') total = value.total
    onProgress(records.length, total)
  }
  const code = await ended
  if (code !== 0) throw new Error(`The evaluation ended with status ${code}: ${complaints.slice(-5).join('\n') || 'nothing was said'}`)
  return records
}

function isRecord(value: unknown): value is EvalRecord {
  return typeof value === 'object' && value !== null && 'clip' in value && 'row' in value && 'expect' in value && 'prediction' in value
}
