import { BINARY_VERSION } from './version.ts'
import { KIND, MAGIC } from './frame.ts'

/** Bytes before the JSON of a verdict, backend → edge [WI4]. */
export const VERDICT_HEADER_BYTES = 16
const OUTCOMES = ['seen', 'dropped'] as const

export type VerdictHeader = { outcome: (typeof OUTCOMES)[number]; frame: number; stream: number; epoch: number }

/** A verdict as the backend sends it: a header the edge reads, then the whole JSON message, which it does not parse. */
export function encodeVerdict(header: VerdictHeader, json: string): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(json)
  const bytes = new Uint8Array(VERDICT_HEADER_BYTES + body.byteLength)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, MAGIC)
  view.setUint8(1, BINARY_VERSION)
  view.setUint8(2, KIND.verdict)
  view.setUint8(3, OUTCOMES.indexOf(header.outcome) + 1)
  view.setUint32(4, header.frame, true)
  view.setUint16(8, header.stream, true)
  view.setUint32(12, header.epoch, true)
  bytes.set(body, VERDICT_HEADER_BYTES)
  return bytes
}

/** The header of a verdict, or why it cannot be read. The JSON follows at VERDICT_HEADER_BYTES. */
export function readVerdictHeader(bytes: ArrayBuffer): VerdictHeader | { problem: string } {
  if (bytes.byteLength < VERDICT_HEADER_BYTES)
    return { problem: `A verdict starts with a ${VERDICT_HEADER_BYTES}-byte header; ${bytes.byteLength} bytes came.` }
  const view = new DataView(bytes)
  if (view.getUint8(0) !== MAGIC || view.getUint8(1) !== BINARY_VERSION || view.getUint8(2) !== KIND.verdict)
    return { problem: 'Not a verdict of binary version 1.' }
  const outcome = OUTCOMES[view.getUint8(3) - 1]
  if (!outcome) return { problem: `Outcome is 1 seen or 2 dropped; ${view.getUint8(3)} came.` }
  return { outcome, frame: view.getUint32(4, true), stream: view.getUint16(8, true), epoch: view.getUint32(12, true) }
}
