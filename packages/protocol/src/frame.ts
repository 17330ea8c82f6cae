import { BINARY_VERSION } from './version.ts'

/** Bytes before the payload of a frame [WI3]. */
export const FRAME_HEADER_BYTES = 40
export const MAGIC = 0xf0
/** Kinds of binary message [WI3] [WI4]; 3, snapshots, is not spoken yet. */
export const KIND = { frame: 1, verdict: 2, picture: 4 } as const

export const CODECS = ['jpeg', 'webp', 'png', 'rgb8'] as const
export type Codec = (typeof CODECS)[number]

/** Offset of the one field that the edge writes in place [WI4]. */
export const RECEIVED_AT_OFFSET = 24
const FLAG_KEEP = 1

export type FrameHeader = {
  stream: number
  frame: number
  codec: Codec
  keep: boolean
  /** pixels; 0 × 0 is refused */
  width: number
  height: number
  /** ms from the stream's first frame */
  mediaTime: number
  /** Unix ms by the edge's clock; 0 as the client sends it */
  receivedAt: number
  /** verdicts of this stream that the sender has read: with the number, the window [FR2] */
  verdictsRead: number
}

/** One frame as one binary message: header and payload in a fresh buffer. */
export function encodeFrame(header: FrameHeader, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.byteLength)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, MAGIC)
  view.setUint8(1, BINARY_VERSION)
  view.setUint8(2, KIND.frame)
  view.setUint8(3, CODECS.indexOf(header.codec) + 1)
  view.setUint32(4, header.frame, true)
  view.setUint16(8, header.stream, true)
  view.setUint16(10, header.keep ? FLAG_KEEP : 0, true)
  view.setUint16(12, header.width, true)
  view.setUint16(14, header.height, true)
  view.setFloat64(16, header.mediaTime, true)
  view.setFloat64(RECEIVED_AT_OFFSET, header.receivedAt, true)
  view.setUint32(32, header.verdictsRead, true)
  bytes.set(payload, FRAME_HEADER_BYTES)
  return bytes
}

/** The header of a frame, or why it cannot be read. Never throws: whatever bytes came, the answer is a value. */
export function readFrameHeader(bytes: ArrayBuffer | Uint8Array): FrameHeader | { problem: string } {
  if (bytes.byteLength < FRAME_HEADER_BYTES) return { problem: `A frame starts with a ${FRAME_HEADER_BYTES}-byte header; ${bytes.byteLength} bytes came.` }
  const view = bytes instanceof Uint8Array ? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new DataView(bytes)
  if (view.getUint8(0) !== MAGIC) return { problem: `A binary message starts with the byte 0xF0; 0x${view.getUint8(0).toString(16)} came.` }
  if (view.getUint8(1) !== BINARY_VERSION) return { problem: `This edge speaks binary version ${BINARY_VERSION}; version ${view.getUint8(1)} came.` }
  if (view.getUint8(2) !== KIND.frame) return { problem: `Clients send binary kind ${KIND.frame}, frames; kind ${view.getUint8(2)} came.` }
  const codec = CODECS[view.getUint8(3) - 1]
  if (!codec) return { problem: `Codec is 1 jpeg, 2 webp, 3 png or 4 rgb8; ${view.getUint8(3)} came.` }
  const flags = view.getUint16(10, true)
  if ((flags & ~FLAG_KEEP) !== 0) return { problem: `Only flag bit 0 (keep) is known; flags ${flags} came.` }
  if (view.getUint32(36, true) !== 0) return { problem: 'Bytes 36–39 are reserved and must be 0.' }
  const header: FrameHeader = {
    codec,
    keep: flags === FLAG_KEEP,
    frame: view.getUint32(4, true),
    stream: view.getUint16(8, true),
    width: view.getUint16(12, true),
    height: view.getUint16(14, true),
    mediaTime: view.getFloat64(16, true),
    receivedAt: view.getFloat64(RECEIVED_AT_OFFSET, true),
    verdictsRead: view.getUint32(32, true),
  }
  if (header.frame === 0) return { problem: 'Frame numbers start at 1; 0 came.' }
  if (header.width === 0 || header.height === 0) return { problem: `A picture has at least one pixel; ${header.width} × ${header.height} came.` }
  if (!Number.isFinite(header.mediaTime) || header.mediaTime < 0)
    return { problem: `Media time is milliseconds from the first frame, 0 or more; ${header.mediaTime} came.` }
  return header
}

/** Stamps the edge's clock into a frame that is about to be forwarded: in place, no copy [WI4]. */
export function stampReceivedAt(bytes: ArrayBuffer, receivedAt: number): void {
  new DataView(bytes).setFloat64(RECEIVED_AT_OFFSET, receivedAt, true)
}
