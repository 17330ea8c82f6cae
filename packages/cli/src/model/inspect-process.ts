import { spawn } from 'node:child_process'
import { z } from 'zod'
import { inRepository } from '../repository.ts'

const Inspection = z.object({
  need: z.object({ lines: z.array(z.object({ what: z.string(), bytes: z.number(), how: z.string() })), bytes: z.number(), slotBytes: z.number() }),
  slots: z.int(),
  misfits: z.array(z.string()),
  loadMs: z.number().optional(),
})
export type Inspection = z.infer<typeof Inspection>

/** What the serving code says of a bundle: its memory and, with `load`, whether its parts fit and run. In a process of its own, since that may take gigabytes. */
export async function inspectBundle(folder: string, { load = false, slots = 8 }: { load?: boolean; slots?: number } = {}): Promise<Inspection> {
  const args = [inRepository('services/inference/src/inspect.ts'), folder, '--slots', String(slots), ...(load ? ['--load'] : [])]
  const { out, complaint, code } = await said(args)
  if (code !== 0) throw new Error(complaint.trim() || `The bundle could not be read (status ${code}).`)
  return Inspection.parse(JSON.parse(out.trim().split('\n').at(-1) ?? ''))
}

function said(args: readonly string[]): Promise<{ out: string; complaint: string; code: number }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let complaint = ''
  child.stdout.on('data', (text: Buffer) => (out += String(text)))
  child.stderr.on('data', (text: Buffer) => (complaint = `${complaint}${text}`.slice(-8000)))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ out, complaint, code: code ?? 1 }))
  })
}
