import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CODECS, FRAME_HEADER_BYTES, encodeFrame, readFrameHeader, stampReceivedAt, type FrameHeader } from './frame.ts'

const header = fc.record<FrameHeader>({
  stream: fc.integer({ min: 0, max: 0xffff }),
  frame: fc.integer({ min: 1, max: 0xffff_ffff }),
  codec: fc.constantFrom(...CODECS),
  keep: fc.boolean(),
  width: fc.integer({ min: 1, max: 0xffff }),
  height: fc.integer({ min: 1, max: 0xffff }),
  mediaTime: fc.double({ min: 0, max: 1e15, noNaN: true }).map((time) => time + 0),
  receivedAt: fc.double({ min: 0, max: 1e15, noNaN: true }),
  verdictsRead: fc.integer({ min: 0, max: 0xffff_ffff }),
})
const example: FrameHeader = { stream: 1, frame: 7, codec: 'jpeg', keep: false, width: 640, height: 480, mediaTime: 200, receivedAt: 0, verdictsRead: 5 }

function problemOf(bytes: ArrayBuffer | Uint8Array): string {
  const read = readFrameHeader(bytes)
  return 'problem' in read ? read.problem : 'none'
}

test('[WI3] every header survives the round trip, and the payload follows at byte 40', () => {
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 64 }), (given, payload) => {
      const bytes = encodeFrame(given, payload)
      expect(readFrameHeader(bytes)).toEqual(given)
      expect(readFrameHeader(bytes.buffer)).toEqual(given)
      expect(bytes.subarray(FRAME_HEADER_BYTES)).toEqual(payload)
    }),
  )
})

test('[WI3] a header is read where its bytes lie inside a larger buffer', () => {
  const bytes = encodeFrame(example, new Uint8Array([1, 2, 3]))
  const outer = new Uint8Array(bytes.byteLength + 13)
  outer.set(bytes, 13)
  expect(readFrameHeader(outer.subarray(13))).toEqual(example)
})

test('[WI3] no byte string makes the reader throw: it answers a header or the problem', () => {
  const anyBytes = fc.uint8Array({ maxLength: 60 })
  const almostFrame = fc.tuple(fc.uint8Array({ minLength: 40, maxLength: 40 }), fc.integer({ min: 0, max: 39 })).map(([noise, at]) => {
    const bytes = encodeFrame(example, new Uint8Array())
    bytes[at] = noise[at] ?? 0
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(anyBytes, almostFrame), (bytes) => {
      const read = readFrameHeader(bytes)
      if ('problem' in read) expect(read.problem.length).toBeGreaterThan(10)
      else {
        expect(read.frame).toBeGreaterThan(0)
        expect(read.width * read.height).toBeGreaterThan(0)
        expect(Number.isFinite(read.mediaTime)).toBe(true)
      }
    }),
    { numRuns: 1000 },
  )
})

test.each([
  ['too short', (bytes: Uint8Array) => bytes.slice(0, 39), /40-byte header; 39 bytes came/],
  ['wrong magic', (bytes: Uint8Array) => bytes.with(0, 0x56), /0xF0; 0x56 came/],
  ['wrong version', (bytes: Uint8Array) => bytes.with(1, 2), /version 1; version 2 came/],
  ['a verdict', (bytes: Uint8Array) => bytes.with(2, 2), /kind 2 came/],
  ['unknown codec', (bytes: Uint8Array) => bytes.with(3, 9), /1 jpeg, 2 webp, 3 png or 4 rgb8; 9 came/],
  ['frame 0', (bytes: Uint8Array) => bytes.with(4, 0), /start at 1; 0 came/],
  ['unknown flag', (bytes: Uint8Array) => bytes.with(10, 2), /flags 2 came/],
  ['no width', (bytes: Uint8Array) => bytes.with(12, 0).with(13, 0), /at least one pixel; 0 × 480 came/],
  ['media time that is no number', (bytes: Uint8Array) => bytes.with(22, 0xf8).with(23, 0x7f), /NaN came/],
  ['reserved bytes', (bytes: Uint8Array) => bytes.with(36, 1), /reserved/],
])('[WI3] %s is refused in words', (_, spoil, expected) => {
  expect(problemOf(spoil(encodeFrame(example, new Uint8Array(8))))).toMatch(expected)
})

test('[WI4] the edge writes its clock in place and changes nothing else', () => {
  const bytes = encodeFrame(example, new Uint8Array([9, 8, 7]))
  const before = bytes.slice()
  stampReceivedAt(bytes.buffer, 1_790_000_000_123)
  expect(readFrameHeader(bytes)).toEqual({ ...example, receivedAt: 1_790_000_000_123 })
  before.set(bytes.subarray(24, 32), 24)
  expect(bytes).toEqual(before)
})
