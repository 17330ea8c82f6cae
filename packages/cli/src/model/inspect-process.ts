import { z } from 'zod'
import { inRepository } from '../repository.ts'
import { lastLine } from './node-process.ts'

const Inspection = z.object({
  need: z.object({ lines: z.array(z.object({ what: z.string(), bytes: z.number(), how: z.string() })), bytes: z.number(), slotBytes: z.number() }),
  gpuBytes: z.number(),
  slots: z.int(),
  machineBytes: z.number(),
  misfits: z.array(z.string()),
  loadMs: z.number().optional(),
})
export type Inspection = z.infer<typeof Inspection>

/** What the serving code says of a bundle: its memory and, with `load`, whether its parts fit and run. */
export async function inspectBundle(folder: string, { load = false, slots = 8 }: { load?: boolean; slots?: number } = {}): Promise<Inspection> {
  const args = [inRepository('services/inference/src/inspect.ts'), folder, '--slots', String(slots), ...(load ? ['--load'] : [])]
  return Inspection.parse(JSON.parse(await lastLine(args)))
}
