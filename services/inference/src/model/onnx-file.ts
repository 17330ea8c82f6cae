import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

export type Dims = readonly (number | string)[]
/** What an ONNX file says of itself without being loaded. */
export type OnnxFile = {
  /** files beside it that hold weights, as it names them */
  external: string[]
  inputs: ReadonlyMap<string, Dims>
  outputs: ReadonlyMap<string, Dims>
  /** whether something in it looks at other places, weighed by softmax */
  attends: boolean
}

type Message = 'model' | 'function' | 'graph' | 'node' | 'attribute' | 'tensor' | 'sparse'
/** Where the messages of onnx.proto hold further ones that matter here, by field number. Weights are stepped over. */
const INSIDE: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 25: 'function' },
  function: { 7: 'node' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
}
const ATTENTION: ReadonlySet<string> = new Set(['Softmax', 'Attention', 'MultiHeadAttention', 'GroupQueryAttention'])

/** Reads the outline of an ONNX file of any size, skipping its weights. */
export function readOnnxFile(path: string): OnnxFile {
  const bytes = new Pages(path)
  const found = { external: new Set<string>(), inputs: new Map<string, Dims>(), outputs: new Map<string, Dims>(), attends: false }
  const walk = (message: Message, span: Span, depth: number): void => {
    for (const { field, inside } of fields(bytes, span)) {
      const next = INSIDE[message][field]
      if (next && inside) walk(next, inside, depth + 1)
      else if (message === 'tensor' && field === 13 && inside) addLocation(bytes, inside, found.external)
      else if (message === 'node' && field === 4 && inside) found.attends ||= ATTENTION.has(bytes.text(inside))
      // Of the outermost graph: those inside loops and branches have ports of their own.
      else if (message === 'graph' && depth === 1 && inside && (field === 11 || field === 12))
        addPort(bytes, inside, field === 11 ? found.inputs : found.outputs)
    }
  }
  try {
    walk('model', { from: 0, to: bytes.size }, 0)
    if (found.outputs.size === 0) throw new RangeError('it has no graph')
  } catch (cause) {
    throw new Error(`${path} is no ONNX file that can be read: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause })
  } finally {
    bytes.close()
  }
  return { ...found, external: [...found.external] }
}

/** An entry of external_data: of its keys, `location` names the file. */
function addLocation(bytes: Pages, span: Span, to: Set<string>): void {
  const [key, value] = strings(bytes, span, [1, 2])
  if (key === 'location' && value !== undefined) to.add(value)
}

/** ValueInfo: name = 1, type = 2; of a tensor's type (1) the shape (2) has dimensions (1), each a value (1) or a name (2). */
function addPort(bytes: Pages, span: Span, to: Map<string, Dims>): void {
  const [name = ''] = strings(bytes, span, [1])
  const dims = inner(bytes, [span], [2, 1, 2, 1]).map((dim): number | string => {
    const value = [...fields(bytes, dim)].find(({ field }) => field === 1)?.number
    return value ?? strings(bytes, dim, [2])[0] ?? '?'
  })
  to.set(name, dims)
}

function inner(bytes: Pages, spans: readonly Span[], path: readonly number[]): Span[] {
  const [first, ...rest] = path
  if (first === undefined) return [...spans]
  const next = spans.flatMap((span) => [...fields(bytes, span)].flatMap(({ field, inside }) => (field === first && inside ? [inside] : [])))
  return inner(bytes, next, rest)
}

function strings(bytes: Pages, span: Span, wanted: readonly number[]): (string | undefined)[] {
  const all = [...fields(bytes, span)]
  return wanted.map((number) => {
    const inside = all.find(({ field }) => field === number)?.inside
    return inside && bytes.text(inside)
  })
}

type Span = { from: number; to: number }
/** `inside`: where a message, text or list of numbers stands; `number`: a whole number; neither for the rest. */
type Field = { field: number; inside?: Span; number?: number }

/** The fields of a protobuf message, in order. */
function* fields(bytes: Pages, { from, to }: Span): Generator<Field> {
  for (let at = from; at < to;) {
    const tag = varint(bytes, at)
    const field = Math.floor(tag.value / 8)
    switch (tag.value % 8) {
      case 0: {
        const { value, end } = varint(bytes, tag.end)
        at = end
        yield { field, number: value }
        break
      }
      case 1:
        at = tag.end + 8
        yield { field, number: NaN }
        break
      case 2: {
        const { value, end } = varint(bytes, tag.end)
        at = end + value
        if (at > to) throw new RangeError('it is cut short')
        yield { field, inside: { from: end, to: at } }
        break
      }
      case 5:
        at = tag.end + 4
        yield { field, number: NaN }
        break
      default:
        throw new RangeError('it is not protobuf')
    }
  }
}

function varint(bytes: Pages, from: number): { value: number; end: number } {
  let value = 0
  for (let index = 0; index < 10; index++) {
    const byte = bytes.at(from + index)
    value += (byte % 128) * 2 ** (7 * index)
    if (byte < 128) return { value, end: from + index + 1 }
  }
  throw new RangeError('it is not protobuf')
}

const PAGE = 1 << 16

/** A file by places, a page of it in memory at a time. */
class Pages {
  readonly size: number
  readonly #file: number
  readonly #page = new Uint8Array(PAGE)
  #from = -PAGE

  constructor(path: string) {
    this.#file = openSync(path, 'r')
    this.size = fstatSync(this.#file).size
  }

  at(place: number): number {
    if (place >= this.size) throw new RangeError('it is cut short')
    if (place < this.#from || place >= this.#from + PAGE) {
      this.#from = place
      readSync(this.#file, this.#page, 0, PAGE, place)
    }
    return this.#page[place - this.#from] ?? 0
  }

  text({ from, to }: Span): string {
    const bytes = new Uint8Array(to - from)
    readSync(this.#file, bytes, 0, bytes.length, from)
    return new TextDecoder().decode(bytes)
  }

  close(): void {
    closeSync(this.#file)
  }
}
