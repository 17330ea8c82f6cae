import type { Bench, Report } from './bench.ts'
import { decoders } from './model/decoders.ts'

const model: Bench = {
  name: 'model',
  about: 'decoders of the 0.5B shape against their peers, four sessions together',
  minutes: 8,
  async run(context): Promise<Report> {
    const at = process.argv.indexOf('--peers')
    const venv = at > 0 ? process.argv[at + 1] : undefined
    return decoders({ ...context, ...(venv && { venv }) })
  },
}
export default model
