import { BINARY_VERSION } from './version.ts'
import { KIND, MAGIC } from './frame.ts'

/** Bytes before the payload of a picture that was asked for, backend → edge → client [WI4]. */
export const PICTURE_HEADER_BYTES = 16

export type PictureHeader = { frame: number; stream: number; request: string }

/** `0 u8 0xF0 · 1 u8 version · 2 u8 kind 4 · 3 u8 0 · 4 u32 frame · 8 u16 stream · 10 u16 length of the request id · 12 u32 0`, the request id in UTF-8, then JPEG or PNG bytes. */
export function encodePicture({ frame, stream, request }: PictureHeader, picture: Uint8Array): Uint8Array<ArrayBuffer> {
  const id = new TextEncoder().encode(request)
  const bytes = new Uint8Array(PICTURE_HEADER_BYTES + id.byteLength + picture.byteLength)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, MAGIC)
  view.setUint8(1, BINARY_VERSION)
  view.setUint8(2, KIND.picture)
  view.setUint32(4, frame, true)
  view.setUint16(8, stream, true)
  view.setUint16(10, id.byteLength, true)
  bytes.set(id, PICTURE_HEADER_BYTES)
  bytes.set(picture, PICTURE_HEADER_BYTES + id.byteLength)
  return bytes
}

/** A picture message taken apart, or why it cannot be read. `picture` is a view, not a copy. */
export function readPicture(bytes: ArrayBuffer): (PictureHeader & { picture: Uint8Array }) | { problem: string } {
  if (bytes.byteLength < PICTURE_HEADER_BYTES)
    return { problem: `A picture starts with a ${PICTURE_HEADER_BYTES}-byte header; ${bytes.byteLength} bytes came.` }
  const view = new DataView(bytes)
  if (view.getUint8(0) !== MAGIC || view.getUint8(1) !== BINARY_VERSION || view.getUint8(2) !== KIND.picture)
    return { problem: 'Not a picture of binary version 1.' }
  const start = PICTURE_HEADER_BYTES + view.getUint16(10, true)
  if (start > bytes.byteLength) return { problem: 'The request id of this picture runs past its end.' }
  const request = new TextDecoder().decode(new Uint8Array(bytes, PICTURE_HEADER_BYTES, start - PICTURE_HEADER_BYTES))
  return { frame: view.getUint32(4, true), stream: view.getUint16(8, true), request, picture: new Uint8Array(bytes, start) }
}
