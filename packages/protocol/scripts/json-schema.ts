import { z } from 'zod'
import * as protocol from '../src/index.ts'

// Every exported schema is known by its export name, so that generated files say `$ref: #/$defs/Evidence` and not a number.
for (const [name, value] of Object.entries(protocol)) {
  if (value instanceof z.ZodType) z.globalRegistry.add(value, { ...z.globalRegistry.get(value), id: name })
}

/** File name → the schema it holds, and a title for people. */
export const families = {
  'client-message': [protocol.ClientMessage, 'What a client says as text'],
  'edge-message': [protocol.EdgeMessage, 'What a client reads as text'],
  event: [protocol.SessionEvent, 'The durable events of a session'],
  evidence: [protocol.Evidence, 'The envelope of everything seen'],
  'to-backend': [protocol.ToBackend, 'What the edge says to a backend on a session socket, as text'],
  'from-backend': [protocol.BackendText, 'What a backend says on a session socket, as text: one message, or an array of those of one moment'],
  'to-pool-member': [protocol.ToPoolMember, 'What the pool says to a backend on the control socket'],
  'from-pool-member': [protocol.FromPoolMember, 'What a backend says to the pool on the control socket'],
  'workflow-graph': [protocol.WorkflowGraph, 'A graph of visual reasoning steps'],
  'bundle-manifest': [protocol.BundleManifest, 'manifest.json of a model bundle'],
} as const satisfies Record<string, readonly [z.ZodType, string]>
export type Family = keyof typeof families

/** JSON Schema 2020-12 of a schema as it is written on the wire: what has a default may be left out. */
export function jsonSchema(schema: z.ZodType): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' })
}

/** The JSON Schema file of one message family. */
export function familySchema(name: Family): z.core.JSONSchema.JSONSchema {
  const [schema, title] = families[name]
  const { $schema, id: _, ...rest } = jsonSchema(schema)
  return { $schema, $id: `${name}.json`, title, ...rest }
}
