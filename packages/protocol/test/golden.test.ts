import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  ClientMessage,
  EdgeMessage,
  Evidence,
  FRAME_HEADER_BYTES,
  FromBackend,
  FromPoolMember,
  SessionEvent,
  ToBackend,
  ToPoolMember,
  TransientMessage,
  VERDICT_HEADER_BYTES,
  readFrameHeader,
  readPicture,
  readVerdictHeader,
} from '../src/index.ts'

const golden = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../../schemas/golden/${name}`, import.meta.url), 'utf8'))
const messages = z.record(z.string(), z.array(z.looseObject({ type: z.string().optional() }))).parse(golden('messages.json'))
const binary = z
  .array(
    z.object({
      name: z.string(),
      kind: z.enum(['frame', 'verdict', 'picture']),
      header: z.record(z.string(), z.unknown()),
      payload: z.string(),
      hex: z.string(),
    }),
  )
  .parse(golden('binary.json'))

const families: [string, z.ZodType][] = [
  ['client-message', ClientMessage],
  ['edge-message', TransientMessage],
  ['event', SessionEvent],
  ['evidence', Evidence],
  ['to-backend', ToBackend],
  ['from-backend', FromBackend],
  ['to-pool-member', ToPoolMember],
  ['from-pool-member', FromPoolMember],
]

test.each(families)('golden examples of %s are what the schema reads', (family, schema) => {
  for (const example of messages[family] ?? []) expect(schema.parse(example)).toEqual(example)
})

test.each([
  ['client-message', ClientMessage.options.map((option) => option.shape.type.value)],
  ['edge-message', TransientMessage.options.map((option) => option.shape.type.value)],
  ['event', SessionEvent.options.map((option) => option.shape.type.value)],
  ['from-backend', FromBackend.options.map((option) => option.shape.type.value)],
  ['from-pool-member', FromPoolMember.options.map((option) => option.shape.type.value)],
])('every message of %s has a golden example', (family, types) => {
  expect([...new Set(messages[family]?.map((example) => example.type))].toSorted()).toEqual(types.toSorted())
})

test('[WI2] unknown types and unknown fields are refused, at every message', () => {
  for (const example of messages['client-message'] ?? []) {
    expect(ClientMessage.safeParse({ ...example, more: 1 }).success).toBe(false)
    expect(ClientMessage.safeParse({ ...example, type: `${example.type}x` }).success).toBe(false)
  }
  for (const example of messages.event ?? []) expect(EdgeMessage.safeParse({ ...example, more: 1 }).success).toBe(false)
})

test.each(['rule-set', 'rule-remove', 'approval-give', 'track-correct', 'evidence-correct'])('[WI2] %s is not spoken yet: invalid', (type) => {
  expect(ClientMessage.safeParse({ type }).success).toBe(false)
})

test('[WI2] no JSON that a client sends makes the reader throw', () => {
  const mutated = fc.tuple(fc.constantFrom(...(messages['client-message'] ?? [])), fc.string(), fc.jsonValue()).map(([example, key, value]) => {
    const keys = Object.keys(example)
    return { ...example, [keys[key.length % keys.length] ?? 'type']: value }
  })
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), mutated), (value) => {
      const read = ClientMessage.safeParse(value)
      if (read.success) expect(ClientMessage.parse(read.data)).toEqual(read.data)
    }),
    { numRuns: 1000 },
  )
})

test.each(binary.map((entry) => [entry.name, entry] as const))('[WI3] [WI4] golden bytes: %s', (_, { kind, header, payload, hex }) => {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
  const text = (from: number) => new TextDecoder().decode(bytes.subarray(from))
  if (kind === 'frame') expect([readFrameHeader(bytes.buffer), text(FRAME_HEADER_BYTES)]).toEqual([header, payload])
  else if (kind === 'verdict') expect([readVerdictHeader(bytes.buffer), text(VERDICT_HEADER_BYTES)]).toEqual([header, payload])
  else expect(readPicture(bytes.buffer)).toEqual({ ...header, picture: new TextEncoder().encode(payload) })
})
