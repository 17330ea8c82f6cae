import { ProtocolError } from '@fovea/protocol'
import type { Feeds, Graph } from '../model/graph.ts'
import { floats, type FloatTensor } from '../model/tensor.ts'
import { fromBfloat16 } from './bfloat16.ts'
import type { Kept, ObjectMemory } from './object-memory.ts'

type Row = { data: Kept; age: number; prompted?: boolean }

/** The memories of several objects as one batch of `most` places each, or of as many as the fullest fills; empty places are marked invalid. */
export function memoryFeeds(graph: Graph, memories: readonly ObjectMemory[], most?: number): Feeds {
  if (!graph.takes.has('memory.tokens')) return {}
  const [, M, m, c] = graph.dims('memory.tokens') ?? []
  const entries = memories.map((memory) => memory.entries().map(({ tokens, ...rest }) => ({ data: tokens, ...rest })))
  const pointers = graph.takes.has('pointer.tokens') ? memories.map((memory) => memory.pointers().map(({ pointer, age }) => ({ data: pointer, age }))) : []
  const memory = padded(entries, typeof M === 'number' ? M : (most ?? longest(entries)), [fixed(m), fixed(c)])
  const feeds: Feeds = { 'memory.tokens': memory.tokens, 'memory.valid': memory.valid, 'memory.age': memory.age, 'memory.prompted': memory.prompted }
  if (pointers.length === 0) return feeds
  const told = padded(pointers, longest(pointers), [fixed(graph.dims('pointer.tokens')?.[2])])
  return { ...feeds, 'pointer.tokens': told.tokens, 'pointer.valid': told.valid, 'pointer.age': told.age }
}

function padded(
  rows: readonly (readonly Row[])[],
  places: number,
  shape: readonly number[],
): { tokens: FloatTensor; valid: FloatTensor; age: FloatTensor; prompted: FloatTensor } {
  const size = shape.reduce((product, side) => product * side, 1)
  const tokens = new Float32Array(rows.length * places * size)
  const flags = (of: (entry: Row) => number): FloatTensor =>
    floats(
      Float32Array.from({ length: rows.length * places }, (_, place) => {
        const entry = rows[Math.floor(place / places)]?.[place % places]
        return entry ? of(entry) : 0
      }),
      [rows.length, places],
    )
  rows.forEach((row, at) => {
    row.slice(0, places).forEach(({ data }, index) => {
      if (data instanceof Uint16Array) fromBfloat16(data, tokens, (at * places + index) * size)
      else tokens.set(data, (at * places + index) * size)
    })
  })
  return {
    tokens: floats(tokens, [rows.length, places, ...shape]),
    valid: flags(() => 1),
    age: flags((entry) => entry.age),
    prompted: flags((entry) => (entry.prompted ? 1 : 0)),
  }
}

function longest(rows: readonly (readonly unknown[])[]): number {
  return Math.max(1, ...rows.map((row) => row.length))
}

function fixed(dim: number | string | undefined): number {
  if (typeof dim === 'number') return dim
  throw new ProtocolError('unsupported', `The mask head leaves a dimension open (${String(dim)}) that must be fixed. Export the bundle again.`)
}
