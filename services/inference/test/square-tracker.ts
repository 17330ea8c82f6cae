import type { MaskHead } from '@fovea/protocol'
import { MaskTracker } from '../src/heads/mask-tracker.ts'
import { Graph } from '../src/model/graph.ts'
import type { Runner } from '../src/model/ort.ts'
import { floats, type FloatTensor, type Tensor } from '../src/model/tensor.ts'

const SIDE = 8
const part = (
  name: string,
  inputs: Record<string, string>,
  outputs: Record<string, string>,
  dims: Record<string, (number | string)[]>,
  run: (feeds: Record<string, FloatTensor>) => Record<string, Tensor>,
): Graph => {
  const runner: Runner = {
    inputs: Object.keys(inputs).map((input) => ({ name: input, type: 'float32', dims: dims[input] ?? [] })),
    outputs: Object.keys(outputs).map((output) => ({ name: output, type: 'float32', dims: [] })),
    run: async (feeds) => run(feeds as Record<string, FloatTensor>),
    close: async () => {},
  }
  return new Graph(`mask.${name}`, { file: `${name}.onnx`, inputs, outputs } as ConstructorParameters<typeof Graph>[1], runner)
}

const at = (features: FloatTensor, x: number, y: number): number =>
  features.data[Math.min(SIDE - 1, Math.floor(y * SIDE)) * SIDE + Math.min(SIDE - 1, Math.floor(x * SIDE))] ?? 0
const prompts = (colours: number[]): Record<string, Tensor> => ({ prompt: floats(Float32Array.from(colours), [colours.length, 1, 1]) })

/** What a decoder run was fed, for tests of the memory. */
export type Fed = { valid: number[]; age: number[]; tokens: number[]; promptAge: number[]; rows: number }

/**
 * A mask head by hand: each cell of `features.s8` holds the colour of what is there, a prompt is a colour, and the mask is where the two agree. Its
 * memory entry is the number of cells it covered.
 */
export function squareTracker(fed: Fed[] = []): MaskTracker {
  const manifest: MaskHead = {
    task: 'mask',
    standing: true,
    token: { trigger: '<mask>', task: '<mask_task>' },
    threshold: 0.5,
    bank: { prompted: 1, recent: 2 },
    graphs: {} as MaskHead['graphs'],
  }
  return new MaskTracker(manifest, {
    'prompt.state': part('state', { state: 'state' }, { prompt: 'prompt' }, {}, ({ state }) => prompts([...(state?.data ?? [])])),
    'prompt.boxes': part('boxes', { boxes: 'boxes', f: 'features.s8' }, { prompt: 'prompt' }, {}, ({ boxes, f }) => {
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = boxes?.data ?? []
      return prompts(f ? [at(f, (x0 + x1) / 2, (y0 + y1) / 2)] : [])
    }),
    'prompt.points': part('points', { points: 'points', f: 'features.s8' }, { prompt: 'prompt' }, {}, ({ points, f }) =>
      prompts(f && points ? [at(f, points.data[0] ?? 0, points.data[1] ?? 0)] : []),
    ),
    decode: part(
      'decode',
      { f: 'features.s8', p: 'prompt', promptAge: 'prompt.age', tokens: 'memory.tokens', valid: 'memory.valid', age: 'memory.age' },
      { mask: 'mask', iou: 'iou', object: 'object' },
      { tokens: ['Q', 3, 1, 1] },
      ({ f, p, promptAge, tokens, valid, age }) => {
        const rows = p?.dims[0] ?? 0
        fed.push({
          valid: [...(valid?.data ?? [])],
          age: [...(age?.data ?? [])],
          tokens: [...(tokens?.data ?? [])],
          promptAge: [...(promptAge?.data ?? [])],
          rows,
        })
        const mask = new Float32Array(rows * SIDE * SIDE)
        const object = new Float32Array(rows)
        for (let row = 0; row < rows; row++) {
          f?.data.forEach((colour, cell) => {
            const hit = colour !== 0 && colour === p?.data[row]
            mask[row * SIDE * SIDE + cell] = hit ? 5 : -5
            if (hit) object[row] = 0.9
          })
        }
        return { mask: floats(mask, [rows, SIDE, SIDE]), iou: floats(new Float32Array(rows).fill(1), [rows]), object: floats(object, [rows]) }
      },
    ),
    memory: part('memory', { mask: 'mask', object: 'object' }, { tokens: 'memory.tokens' }, {}, ({ mask }) => {
      const rows = mask?.dims[0] ?? 0
      const sizes = Float32Array.from(
        { length: rows },
        (_, row) => mask?.data.subarray(row * SIDE * SIDE, (row + 1) * SIDE * SIDE).filter((value) => value > 0).length ?? 0,
      )
      return { tokens: floats(sizes, [rows, 1, 1]) }
    }),
  })
}

/** A scene of squares: colour → its place, in cells, and its side. */
export function squares(...list: { colour: number; x: number; y: number; side?: number }[]) {
  const cells = new Float32Array(SIDE * SIDE)
  for (const { colour, x, y, side = 2 } of list)
    for (let row = y; row < y + side; row++) for (let column = x; column < x + side; column++) cells[row * SIDE + column] = colour
  return { visual: floats(new Float32Array(3), [1, 3]), features: { 'features.s8': floats(cells, [1, 1, SIDE, SIDE]) } }
}
