import { existsSync } from 'node:fs'
import type { Bench, BenchContext, Report } from './bench.ts'
import { decoders } from './model/decoders.ts'
import { momentCost } from './model/moment-cost.ts'

type Part = (context: BenchContext & { venv?: string }) => Promise<Report>

const model: Bench = {
  name: 'model',
  about: 'models of real sizes: decoders against their peers, four sessions together, the moment head against CG-DETR, mask propagation',
  minutes: 8,
  async run(context): Promise<Report> {
    const at = process.argv.indexOf('--peers')
    const venv = at > 0 ? process.argv[at + 1] : undefined
    const report: Report = { goals: [], samples: {} }
    for (const part of [decoders, momentCost, ...(await propagation())]) {
      const { goals, samples } = await part({ ...context, ...(venv && { venv }) })
      report.goals.push(...goals)
      Object.assign(report.samples, samples)
    }
    return report
  },
}
export default model

async function propagation(): Promise<Part[]> {
  const file = new URL('model/propagation.ts', import.meta.url)
  return existsSync(file) ? [((await import(file.href)) as { propagation: Part }).propagation] : []
}
