import type { Published } from '@fovea/protocol'
import { resizeRgb } from '../../pictures/resize.ts'
import { BundleError } from '../bundle-error.ts'
import type { Runner } from '../ort.ts'
import { floats, type Tensor } from '../tensor.ts'
import type { EncoderNames } from './layout.ts'

const MAPS = ['s4', 's8', 's16'] as const

/** A published image encoder as the runtime's own: bytes of any size in, maps out. Stretching and normalising, which such files leave to others, are done here. */
export function publishedEncoder(file: string, runner: Runner, names: EncoderNames, { size, mean, std, noMemory }: Published): Runner {
  const port = runner.inputs.find(({ name }) => name === names.pixels)
  if (port?.type !== 'float32')
    throw new BundleError(file, `takes pictures as ${port?.type ?? 'nothing'}; of published files, those with float32 in and out are read.`)
  return {
    inputs: [{ name: 'pixels', type: 'uint8', dims: [1, 'H', 'W', 3] }],
    outputs: MAPS.filter((name) => names[name]).map((name) => ({
      name,
      type: 'float32',
      dims: runner.outputs.find((output) => output.name === names[name])?.dims ?? [],
    })),
    async run({ pixels }) {
      if (pixels?.type !== 'uint8') throw new TypeError('An encoder is given a picture as bytes.')
      const [, height = 0, width = 0] = pixels.dims
      const square = new Uint8Array(size * size * 3)
      resizeRgb(pixels.data, [height, width], square, [size, size])
      const found = await runner.run({ [names.pixels]: planes(square, size, mean, std) })
      const maps: Record<string, Tensor> = {}
      for (const name of MAPS) {
        const map = found[names[name] ?? '']
        if (map) maps[name] = name === 's16' && noMemory ? added(map, noMemory) : map
      }
      return maps
    },
    close: () => runner.close(),
  }
}

/** A map with a number added to each channel. */
function added(map: Tensor, numbers: readonly number[]): Tensor {
  const area = map.dims.slice(2).reduce((product, side) => product * side, 1)
  if (map.type !== 'float32' || map.dims[1] !== numbers.length)
    throw new TypeError(`A map of ${map.dims.join('×')} in ${map.type} cannot have ${numbers.length} numbers added to its channels.`)
  return floats(
    map.data.map((value, at) => value + (numbers[Math.floor(at / area)] ?? 0)),
    map.dims,
  )
}

/** Interleaved bytes as three normalised planes, [1, 3, size, size]. */
function planes(pixels: Uint8Array, size: number, mean: readonly number[], std: readonly number[]) {
  const area = size * size
  const data = new Float32Array(3 * area)
  for (let channel = 0; channel < 3; channel++) {
    const scale = 1 / (255 * (std[channel] ?? 1))
    const shift = (mean[channel] ?? 0) / (std[channel] ?? 1)
    for (let at = 0; at < area; at++) data[channel * area + at] = (pixels[at * 3 + channel] ?? 0) * scale - shift
  }
  return floats(data, [1, 3, size, size])
}
