import type { Published } from '@fovea/protocol'
import { BundleError } from '../bundle-error.ts'
import type { Port, Runner } from '../ort.ts'
import { floats, int32s, ints, type FloatTensor, type Tensor } from '../tensor.ts'
import type { DecoderNames } from './layout.ts'
import { BOX_LABELS, POINT } from './prompts.ts'

const MAPS = ['s4', 's8', 's16'] as const
/** Outlines that models of SAM's class choose among where a prompt leaves room. */
const SEVERAL = 3

/** One object's outlines as a file gave them. */
type Told = { mask: FloatTensor; iou: FloatTensor; object?: FloatTensor }

/**
 * A published mask decoder as the runtime's own: prompts are the places themselves, [Q, k, 3] of x, y and label. Objects go one by one, since what such
 * files take at once differs from one to the next, and their decoders are the small part of the work.
 */
export function publishedDecoder(file: string, runner: Runner, names: DecoderNames, { size }: Published): Runner {
  const inputs = new Map(runner.inputs.map((port) => [port.name, port]))
  const maps = MAPS.flatMap((map) => (names[map] ? [{ map, name: names[map] }] : []))
  for (const name of [...maps.map((each) => each.name), names.points]) {
    const type = inputs.get(name)?.type
    if (type !== 'float32') throw new BundleError(file, `takes ${name} as ${type ?? 'nothing'}; of published files, those with float32 in and out are read.`)
  }
  const one = async (seen: Record<string, Tensor>, places: Float32Array): Promise<Told> => {
    const several = places.length <= POINT
    const found = await runner.run({ ...seen, ...promptFeeds(places, names, inputs, size), ...fillers(names, inputs, seen[names.s16], several) })
    const [mask, iou, object] = [found[names.mask], found[names.iou], names.object && found[names.object]]
    if (mask?.type !== 'float32' || iou?.type !== 'float32') throw new BundleError(file, `should give ${names.mask} and ${names.iou} as float32.`)
    return { mask, iou: chosenBy(iou, outlines(mask), names.several === undefined || several), ...(object && object.type === 'float32' ? { object } : {}) }
  }
  return {
    inputs: [
      ...maps.map(({ map, name }) => ({ name: map, type: 'float32', dims: inputs.get(name)?.dims ?? [] })),
      { name: 'prompt', type: 'float32', dims: ['Q', 'k', POINT] },
    ],
    outputs: ['mask', 'iou', 'object'].map((name) => ({ name, type: 'float32', dims: [] })),
    async run({ prompt, ...given }) {
      if (prompt?.type !== 'float32') throw new TypeError('A decoder is given the places of a prompt.')
      const [objects = 0, k = 0] = prompt.dims
      const seen: Record<string, Tensor> = {}
      for (const { map, name } of maps) {
        const tensor = given[map]
        if (!tensor) throw new TypeError(`A decoder is given the map ${map}.`)
        seen[name] = tensor
      }
      const told: Told[] = []
      for (let object = 0; object < objects; object++) told.push(await one(seen, prompt.data.subarray(object * k * POINT, (object + 1) * k * POINT)))
      return together(told)
    },
    close: () => runner.close(),
  }
}

/** Places in the file's pixels; a box as such where the file takes boxes, else as its corners, which have labels of their own. */
function promptFeeds(places: Float32Array, { points, labels, boxes }: DecoderNames, inputs: ReadonlyMap<string, Port>, size: number): Record<string, Tensor> {
  const count = places.length / POINT
  const at = (index: number): number[] => [(places[index * POINT] ?? 0) * size, (places[index * POINT + 1] ?? 0) * size]
  const label = (index: number): number => places[index * POINT + 2] ?? -1
  const all = Array.from({ length: count }, (_, index) => index)
  const isBox = count === BOX_LABELS.length && all.every((index) => label(index) === BOX_LABELS[index])
  const takesBoxes = boxes !== undefined && inputs.has(boxes)
  const told = isBox && takesBoxes ? [] : all
  // Images and objects come first: two axes, or one.
  const rows = Array.from({ length: (inputs.get(points)?.dims.length ?? 3) - 2 }, () => 1)
  return {
    [points]: floats(Float32Array.from(told.flatMap(at)), [...rows, told.length, 2]),
    [labels]: whole(told.map(label), [...rows, told.length], inputs.get(labels)?.type),
    ...(takesBoxes ? { [boxes]: floats(Float32Array.from(isBox ? all.flatMap(at) : []), [1, isBox ? 1 : 0, 4]) } : {}),
  }
}

/** What a file wants besides, and is told to do without: a mask drawn before; outlines come at the decoder's own size. */
function fillers(
  { drawn, hasDrawn, pictureSize, several }: DecoderNames,
  inputs: ReadonlyMap<string, Port>,
  s16: Tensor | undefined,
  leavesRoom: boolean,
): Record<string, Tensor> {
  const side = 4 * (s16?.dims.at(-1) ?? 0)
  return {
    ...(drawn && inputs.has(drawn) ? { [drawn]: floats(new Float32Array(side * side), [1, 1, side, side]) } : {}),
    ...(hasDrawn && inputs.has(hasDrawn) ? { [hasDrawn]: floats(new Float32Array(1), [1]) } : {}),
    ...(several ? { [several]: floats(Float32Array.of(leavesRoom ? 1 : 0), [1]) } : {}),
    ...(pictureSize && inputs.has(pictureSize) ? { [pictureSize]: whole([side, side], [2], inputs.get(pictureSize)?.type) } : {}),
  }
}

/** The IoUs of the outlines that came. A file that chooses among several itself may tell all their IoUs, before them that of its single outline: the one it chose by is meant. */
function chosenBy(iou: FloatTensor, came: number, several: boolean): FloatTensor {
  if (came > 1 || iou.data.length <= 1) return iou
  const chosen = iou.data.length > SEVERAL && !several ? (iou.data[0] ?? 0) : Math.max(...iou.data.subarray(-SEVERAL))
  return floats(Float32Array.of(chosen), [1])
}

function outlines({ data, dims }: FloatTensor): number {
  const [h = 1, w = 1] = dims.slice(-2)
  return data.length / (h * w)
}

function whole(values: readonly number[], dims: readonly number[], type: string | undefined): Tensor {
  if (type === 'int64') return ints(values, dims)
  return type === 'int32' ? int32s(values, dims) : floats(Float32Array.from(values), dims)
}

/** Of all objects: mask [Q, n, h, w], iou [Q, n], object [Q]. A file that says nothing of presence is taken to see whatever was pointed out. */
function together(told: readonly Told[]): Record<string, Tensor> {
  const [h = 1, w = 1] = told[0]?.mask.dims.slice(-2) ?? []
  const n = told[0] ? outlines(told[0].mask) : 0
  const mask = new Float32Array(told.length * n * h * w)
  const iou = new Float32Array(told.length * n)
  told.forEach((each, row) => {
    mask.set(each.mask.data, row * n * h * w)
    // Below 0 would say that a candidate is not offered; the raw numbers of SAM 2.0 may go there.
    for (let index = 0; index < n; index++) iou[row * n + index] = Math.max(0, each.iou.data[index] ?? 0)
  })
  const object = Float32Array.from(told, (each) => (each.object ? 1 / (1 + Math.exp(-(each.object.data[0] ?? 0))) : 1))
  return { mask: floats(mask, [told.length, n, h, w]), iou: floats(iou, [told.length, n]), object: floats(object, [told.length]) }
}
