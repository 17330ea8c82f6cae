import { openRunner } from '../ort.ts'
import { floats } from '../tensor.ts'

/** What a graph adds to a map of features, a number for each channel: what it makes of nothing. */
export async function readNoMemory(file: string, { takes, gives }: { takes: string; gives: string }): Promise<number[]> {
  const runner = await openRunner(file, { provider: 'cpu', threads: 1 })
  try {
    const dims = (runner.inputs.find(({ name }) => name === takes)?.dims ?? []).map((dim) => (typeof dim === 'number' ? dim : 1))
    const [, channels = 0] = dims
    const area = dims.slice(2).reduce((product, side) => product * side, 1)
    const added = (await runner.run({ [takes]: floats(new Float32Array(channels * area), dims) }))[gives]
    if (added?.type !== 'float32' || added.data.length !== channels * area) throw new Error(`${file} should give ${gives} as large as ${takes}, in float32.`)
    const vector = Array.from({ length: channels }, (_, channel) => added.data[channel * area] ?? 0)
    if (!added.data.every((value, at) => value === vector[Math.floor(at / area)]))
      throw new Error(`${file} adds different numbers at different places; one for each channel was expected.`)
    return vector
  } finally {
    await runner.close()
  }
}
