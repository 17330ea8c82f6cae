import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VERDICT_HEADER_BYTES, encodeVerdict, readVerdictHeader, type VerdictHeader } from './verdict.ts'

const header = fc.record<VerdictHeader>({
  outcome: fc.constantFrom('seen', 'dropped'),
  frame: fc.integer({ min: 0, max: 0xffff_ffff }),
  stream: fc.integer({ min: 0, max: 0xffff }),
  epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
})

test('[WI4] a verdict is a 16-byte header the edge reads and JSON it sends on unparsed', () => {
  fc.assert(
    fc.property(header, fc.json(), (given, json) => {
      const bytes = encodeVerdict(given, json)
      expect(readVerdictHeader(bytes.buffer)).toEqual(given)
      expect(new TextDecoder().decode(bytes.subarray(VERDICT_HEADER_BYTES))).toBe(json)
    }),
  )
})

test('[WI4] bytes that are no verdict are a problem, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
      const read = readVerdictHeader(noise.slice().buffer)
      expect('problem' in read || noise[2] === 2).toBe(true)
    }),
  )
  const unknown = encodeVerdict({ outcome: 'seen', frame: 1, stream: 0, epoch: 1 }, '{}')
  unknown[3] = 3
  expect(readVerdictHeader(unknown.buffer)).toEqual({ problem: 'Outcome is 1 seen or 2 dropped; 3 came.' })
})
