import type { Port } from '../ort.ts'
import { OPTIONAL, type DecoderNames, type EncoderNames, type Layout } from './layout.ts'
import { LAYOUTS } from './layouts.ts'

export type Ports = { inputs: readonly Port[]; outputs: readonly Port[] }
export type Recognised = { layout: Layout; part: 'encoder' | 'decoder' | 'no-memory' }

/** Which published file this is, by the names of what it takes and gives; undefined for any other graph. */
export function recognise(ports: Ports): Recognised | undefined {
  for (const layout of LAYOUTS) {
    if (isEncoder(ports, layout.encoder)) return { layout, part: 'encoder' }
    if (isDecoder(ports, layout.decoder)) return { layout, part: 'decoder' }
    if (typeof layout.noMemory === 'object' && only(ports.inputs, layout.noMemory.takes) && only(ports.outputs, layout.noMemory.gives))
      return { layout, part: 'no-memory' }
  }
  return undefined
}

function isEncoder({ inputs, outputs }: Ports, { pixels, ...maps }: EncoderNames): boolean {
  return only(inputs, pixels) && Object.values(maps).every((name) => has(outputs, name))
}

function isDecoder({ inputs, outputs }: Ports, { mask, iou, ...taken }: DecoderNames): boolean {
  const known = Object.values(taken)
  const needed = Object.entries(taken).filter(([what]) => !OPTIONAL.some((optional) => optional === what))
  return needed.every(([, name]) => has(inputs, name)) && inputs.every(({ name }) => known.includes(name)) && has(outputs, mask) && has(outputs, iou)
}

const has = (ports: readonly Port[], wanted: string): boolean => ports.some(({ name }) => name === wanted)
const only = (ports: readonly Port[], wanted: string): boolean => ports.length === 1 && has(ports, wanted)
