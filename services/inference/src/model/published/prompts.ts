import { Graph } from '../graph.ts'
import type { Runner } from '../ort.ts'
import { floats, type Tensor } from '../tensor.ts'

/** Numbers of a place in a prompt: x, y, label. */
export const POINT = 3
/** Labels of the corners of a box, top left and bottom right. */
export const BOX_LABELS: readonly number[] = [2, 3]

/** The prompt graphs of a head whose published decoder reads places itself: boxes and points are handed on as they are. */
export function placePrompts(file: string): { 'prompt.boxes': Graph; 'prompt.points': Graph } {
  return {
    'prompt.boxes': new Graph('mask.prompt.boxes', { file, inputs: { boxes: 'boxes' }, outputs: { prompt: 'prompt' } }, handing('boxes', ['Q', 4], corners)),
    'prompt.points': new Graph(
      'mask.prompt.points',
      { file, inputs: { points: 'points' }, outputs: { prompt: 'prompt' } },
      handing('points', ['Q', 'n', POINT], (points) => points),
    ),
  }
}

function handing(name: string, dims: Runner['inputs'][number]['dims'], through: (given: Float32Array) => Float32Array): Runner {
  return {
    inputs: [{ name, type: 'float32', dims }],
    outputs: [{ name: 'prompt', type: 'float32', dims: ['Q', 'k', POINT] }],
    async run(feeds): Promise<Record<string, Tensor>> {
      const given = feeds[name]
      if (given?.type !== 'float32') throw new TypeError(`${name} come as float32.`)
      const data = through(given.data)
      const objects = given.dims[0] ?? 1
      return { prompt: floats(data, [objects, data.length / (objects * POINT), POINT]) }
    },
    close: async () => {},
  }
}

/** [Q, 4] → [Q, 2, 3] */
function corners(boxes: Float32Array): Float32Array {
  return Float32Array.from({ length: (boxes.length / 4) * 2 * POINT }, (_, index) => {
    const corner = Math.floor(index / POINT)
    return index % POINT === 2 ? (BOX_LABELS[corner % 2] ?? -1) : (boxes[corner * 2 + (index % POINT)] ?? 0)
  })
}
